"""Seals: texts that are stored so that neither the database nor a backup of it tells what they say."""

import base64
import secrets
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tandem_profiles.domain.private_sections import NotSealed

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed text, and which key opens it."""

    key_id: str
    sealed: bytes


class Seals:
    """Seals and opens with AES-256-GCM. The newest key seals; each older one still opens what it sealed."""

    def __init__(self, written: str) -> None:
        """`written` is `id:base64` of 32 bytes, the newest key first, separated by commas; empty for none at all.

        Raises:
            ValueError: a key is not 32 bytes in base64, or two have one id.
        """
        self._keys: dict[str, AESGCM] = {}
        for part in filter(None, (part.strip() for part in written.split(","))):
            key_id, colon, encoded = part.partition(":")
            key = base64.b64decode(encoded, validate=True)
            if not colon or not key_id or len(key) != 32 or key_id in self._keys:
                raise ValueError("a key of private sections must be id:base64 of 32 bytes, each id once")
            self._keys[key_id] = AESGCM(key)

    def seal(self, text: str, *, person_id: UUID) -> Sealed:
        """The text, readable only with the key, and only as this person's. Raises `NotSealed` without any key."""
        for key_id, key in self._keys.items():
            nonce = secrets.token_bytes(_NONCE_BYTES)
            return Sealed(key_id, nonce + key.encrypt(nonce, text.encode(), person_id.bytes))
        raise NotSealed

    def open(self, stored: Sealed, *, person_id: UUID) -> str:
        """The text that was sealed.

        Raises:
            NotSealed: its key is not among those that are set, another key has its id now, it was tampered with, or
                it is another person's.
        """
        key = self._keys.get(stored.key_id)
        if key is None:
            raise NotSealed
        nonce, ciphertext = stored.sealed[:_NONCE_BYTES], stored.sealed[_NONCE_BYTES:]
        try:
            return key.decrypt(nonce, ciphertext, person_id.bytes).decode()
        except InvalidTag as fault:
            raise NotSealed from fault
