"""The key that signs every token, made once and kept in the state directory."""

import json
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from tandem_local.secret_files import write_secret

ALGORITHM = "RS256"


class SigningKey:
    """An RSA key of 2048 bits; tokens outlive a restart because the key does."""

    def __init__(self, directory: Path) -> None:
        """The key kept in `directory`, made there if there is none."""
        file = directory / "signing-key.json"
        if not file.exists():
            directory.mkdir(parents=True, exist_ok=True)
            fresh = RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
            write_secret(file, json.dumps(fresh.as_dict(private=True)))
        self._key = RSAKey.import_key(json.loads(file.read_text()))

    def sign(self, claims: dict[str, Any], *, kind: str = "JWT") -> str:
        """The claims as a compact JWS; `kind` is its `typ` header."""
        header = {"alg": ALGORITHM, "kid": self._key.kid, "typ": kind}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])

    def public_keys(self) -> dict[str, Any]:
        """The JWKS document: what everyone may know."""
        return {"keys": [self._key.as_dict(private=False)]}
