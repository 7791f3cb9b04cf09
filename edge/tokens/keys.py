"""Reads public keys from PEM or JWKS. Each key gets the one algorithm that it may verify."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MAXIMUM_CANDIDATES: Final = 16
"""The most keys that one token is tried with. A token without a `kid` is tried with each key of its algorithm."""

PUBLIC_KEY_ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA"})
"""The algorithms that serve with a public key."""

_LEAST_RSA_BITS: Final = 2048  # RFC 7518, section 3.3
"""The shortest RSA key that serves."""

_PEM_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
"""One key in a text of several PEM blocks."""

_ALGORITHM_BY_KIND: Final[dict[tuple[Any, Any], str]] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
"""By a JWK's `kty` and `crv`."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class PublicKeyFault(ValueError):  # noqa: N818 - a sentence for the settings' faults, completed by the variable's name
    """The keys cannot serve. The message completes a sentence that starts with the variable's name."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key and the one algorithm that it verifies. The header of a token cannot choose another one."""

    key: PublicKey
    algorithm: str
    key_id: str | None


def parse_public_keys(text: bytes) -> tuple[VerificationKey, ...]:
    """The keys of a PEM file (several blocks may follow each other) or of a JWKS document.

    A JWKS may hold keys of other kinds and for other uses: they are skipped (RFC 7517, section 5).

    Raises:
        PublicKeyFault: no key is left, a key is private or symmetric, a PEM block is of a kind that no algorithm here
            uses, or more keys of one algorithm than a token may be tried with have no `kid`.
    """
    return parse_jwks(text) if is_jwks(text) else _distinguishable(_from_pem(text))


def parse_jwks(text: bytes) -> tuple[VerificationKey, ...]:
    """The keys of a JWKS document alone; raises as `parse_public_keys` does."""
    return _distinguishable(_from_jwks(text))


def is_jwks(text: bytes) -> bool:
    """Whether the text is meant to be JSON."""
    return text.lstrip().startswith(b"{")


def is_key_file(text: bytes) -> bool:
    """Whether the text is a file of keys (PEM, JWKS or SSH), and so no secret that both sides share."""
    if is_jwks(text):
        return b'"kty"' in text
    try:
        jwt.get_algorithm_by_name("HS256").prepare_key(text)
    except jwt.InvalidKeyError:  # a PEM file, a certificate or a key of SSH
        return True
    return b"-----BEGIN " in text


def _distinguishable(keys: list[VerificationKey]) -> tuple[VerificationKey, ...]:
    if not keys:
        raise PublicKeyFault("holds no public key (PEM or JWKS)")
    nameless = Counter(each.algorithm for each in keys if each.key_id is None)
    if nameless and max(nameless.values()) > MAXIMUM_CANDIDATES:
        raise PublicKeyFault(f"holds more than {MAXIMUM_CANDIDATES} keys of one kind without a kid")
    return tuple(keys)


def _from_pem(text: bytes) -> list[VerificationKey]:
    keys = []
    for block in _PEM_BLOCK.finditer(text):
        if b"PRIVATE" in block.group(1):
            raise PublicKeyFault("holds a private key: give the public one")
        try:
            keys.append(_usable(load_pem_public_key(block.group(0)), key_id=None))
        except PublicKeyFault:
            raise
        except (ValueError, UnsupportedAlgorithm):
            raise PublicKeyFault("holds a PEM block that is no public key") from None
    return keys


def _from_jwks(text: bytes) -> list[VerificationKey]:
    try:
        entries = [dict(entry) for entry in json.loads(text)["keys"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PublicKeyFault("is no JWKS document") from None
    keys, skipped = [], None
    for entry in entries:
        if entry.get("kty") == "oct" or "d" in entry:
            raise PublicKeyFault("holds a private or symmetric key: give the public ones")
        try:
            keys.append(_from_jwk(entry))
        except PublicKeyFault as fault:
            skipped = skipped or fault
    if not keys and skipped is not None:
        raise skipped
    return keys


def _from_jwk(entry: dict[str, Any]) -> VerificationKey:
    kind = (entry.get("kty"), entry.get("crv"))
    algorithm = _ALGORITHM_BY_KIND.get(kind) if all(isinstance(each, str | None) for each in kind) else None
    if algorithm is None:
        raise PublicKeyFault("holds only keys that are neither RSA, P-256 nor Ed25519")
    if entry.get("alg", algorithm) != algorithm:
        raise PublicKeyFault("holds only keys for algorithms that are not taken here")
    operations = entry.get("key_ops", ["verify"])
    if entry.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise PublicKeyFault("holds only keys that are not for signatures")
    key_id = entry.get("kid")
    try:
        key = jwt.PyJWK.from_dict(entry, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, UnsupportedAlgorithm):
        raise PublicKeyFault("holds only keys that cannot be read") from None
    # A `kid` that is a number or a list names no key (RFC 7517, section 4.5), and no token can ask for it.
    return _usable(key, key_id=key_id if isinstance(key_id, str) else None)


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
