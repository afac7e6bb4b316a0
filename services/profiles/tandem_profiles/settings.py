"""What can be set about profiles. Every setting is an environment variable `TANDEM_<NAME>`."""

import base64
import binascii

from pydantic import Field, SecretStr, field_validator

from tandem_chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of profiles; units are in the names."""

    http_max_body_bytes: int = Field(
        default=67_108_864, ge=1024, description="Larger requests are refused unread. A roster of 200,000 fits."
    )
    due_check_seconds: float = Field(
        default=60, gt=0, description="How often is looked for whose last day has come, and whose pause ends."
    )
    private_section_keys: SecretStr = Field(
        default=SecretStr(""),
        description="id:base64 of 32 random bytes, the newest first, separated by commas. "
        "Without any, nothing private can be written.",
    )

    @field_validator("private_section_keys")
    @classmethod
    def _keys_are_keys(cls, written: SecretStr) -> SecretStr:
        """Refuse at the start what could seal nothing; the sentence does not quote it."""
        seen = set()
        for number, part in enumerate(filter(None, map(str.strip, written.get_secret_value().split(","))), start=1):
            key_id, _, encoded = part.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                key = b""
            if not key_id or len(key) != 32 or key_id in seen:
                raise ValueError(f"key {number} is not id:base64 of 32 bytes, each id once")
            seen.add(key_id)
        return written
