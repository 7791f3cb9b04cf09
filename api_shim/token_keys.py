"""Public keys that tokens are verified with: PEM or JWKS in, keys with the one algorithm that each may serve out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

_LEAST_RSA_BITS: Final = 2048  # RFC 7518, section 3.3

_PEM_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class PublicKeyFault(ValueError):  # noqa: N818 - a sentence for the settings' faults, completed by the variable's name
    """What is wrong with the keys; completes a sentence that starts with the variable's name."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key and the one algorithm it is used with: the token's header chooses neither."""

    key: PublicKey
    algorithm: str
    key_id: str | None


def parse_public_keys(text: bytes) -> tuple[VerificationKey, ...]:
    """The keys of a PEM file (several blocks may follow each other) or of a JWKS document.

    Raises:
        PublicKeyFault: there is none, one is private or symmetric, or of a kind that no algorithm here uses.
    """
    keys = _from_jwks(text) if text.lstrip().startswith(b"{") else _from_pem(text)
    if not keys:
        raise PublicKeyFault("holds no public key (PEM or JWKS)")
    return tuple(keys)


def _from_pem(text: bytes) -> list[VerificationKey]:
    keys = []
    for block in _PEM_BLOCK.finditer(text):
        if b"PRIVATE" in block.group(1):
            raise PublicKeyFault("holds a private key: give the public one")
        try:
            keys.append(_usable(load_pem_public_key(block.group(0)), key_id=None))
        except (ValueError, UnsupportedAlgorithm):
            raise PublicKeyFault("holds a PEM block that is no public key") from None
    return keys


def _from_jwks(text: bytes) -> list[VerificationKey]:
    try:
        entries = [dict(entry) for entry in json.loads(text)["keys"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PublicKeyFault("is no JWKS document") from None
    keys = []
    for entry in entries:
        if entry.get("kty") == "oct" or "d" in entry:
            raise PublicKeyFault("holds a private or symmetric key: give the public ones")
        if entry.get("use", "sig") != "sig":
            continue
        try:
            keys.append(_usable(jwt.PyJWK.from_dict(entry).key, key_id=entry.get("kid")))
        except jwt.PyJWTError:
            raise PublicKeyFault("holds a key that cannot be read") from None
    return keys


def _usable(key: Any, *, key_id: str | None) -> VerificationKey:
    if isinstance(key, RSAPublicKey):
        if key.key_size < _LEAST_RSA_BITS:
            raise PublicKeyFault(f"holds an RSA key of less than {_LEAST_RSA_BITS} bits")
        return VerificationKey(key, "RS256", key_id)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return VerificationKey(key, "ES256", key_id)
    if isinstance(key, Ed25519PublicKey):
        return VerificationKey(key, "EdDSA", key_id)
    raise PublicKeyFault("holds a key that is neither RSA, P-256 nor Ed25519")
