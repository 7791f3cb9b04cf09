"""Keys, verifiers and signed tokens for tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretBytes

from edge.tokens.key_ring import KeyRing
from edge.tokens.keys import parse_public_keys
from edge.tokens.settings import TokenSettings
from edge.tokens.verifier import TokenVerifier

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET: Final = b"a secret of at least thirty-two bytes"
RSA: Final = rsa.generate_private_key(65537, 2048)
EC: Final = ec.generate_private_key(ec.SECP256R1())
ED: Final = ed25519.Ed25519PrivateKey.generate()
KEYS: Final[dict[str, Any]] = {"RS256": RSA, "ES256": EC, "EdDSA": ED}


def pem_of(key: Any) -> bytes:
    """The public key in PEM."""
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def jwk_of(key: Any, **members: str) -> dict[str, Any]:
    """The public key as a JWK, with further members."""
    algorithm = {id(each): name for name, each in KEYS.items()}.get(id(key), "RS256")
    return {**jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True), **members}


def jwks_of(*keys: Mapping[str, Any]) -> bytes:
    """A JWKS with these keys."""
    return json.dumps({"keys": keys}).encode()


def make_verifier(secret: bytes | None = None, *, keys: bytes | None = None, **changes: Any) -> TokenVerifier:
    """A verifier with a shared secret, public keys, or both. `changes` are settings."""
    settings: dict[str, Any] = {
        "secret": None if secret is None else SecretBytes(secret),
        "public_keys": () if keys is None else parse_public_keys(keys),
        "audience": "",
        "issuers": (),
        "leeway_seconds": 0.0,
        "create_scopes": ("customer:create", "api"),
    }
    merged = TokenSettings(**(settings | changes))
    return TokenVerifier(merged, KeyRing(merged))


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token with these changes. A claim of None is left out."""
    merged = {"sub": "me", "scope": "customer:create", "exp": int(time.time()) + 3600, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def signed(payload: bytes, *, header: Mapping[str, Any] | None = None, secret: bytes = SECRET) -> str:
    """A token made without PyJWT, which would refuse to make some of these."""
    parts = [json.dumps({"alg": "HS256", **(header or {})}).encode(), payload]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.digest(secret, text, hashlib.sha256)
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def hs256(**changes: Any) -> str:
    """A token signed with the shared secret. Its claims are good but for these changes."""
    return signed(json.dumps(claims(**changes)).encode())
