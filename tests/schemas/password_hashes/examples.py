"""Hashes of one password in every accepted spelling, each with a library that verifies it.

They cost as little as the bounds allow.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import argon2.low_level
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from passlib import hash as passlib_hash

from schemas.password_hashes.parsing import PLAIN_RULES, HashRules

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD: Final = "correct hörse"
SALT: Final = b"0123456789abcdef"
SIGNER_KEY: Final = bytes(range(64))
"""Of a project of Firebase."""
_SCRYPT_BYTES: Final = 1 << 28


@dataclass(frozen=True)
class Example:
    """A hash, its scheme, and a login's way to verify it."""

    text: str
    scheme: str
    verify: Callable[[str, str], bool]
    """By password and hash."""
    rules: HashRules = PLAIN_RULES
    """Of a service that takes it."""


def base64_of(raw: bytes) -> str:
    """In standard base64, without padding."""
    return base64.b64encode(raw).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    """From base64, with padding or without."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def argon2_hash(kind: str, *, version: int = 19, kib: int = 8, passes: int = 1, lanes: int = 1, size: int = 32) -> str:
    """By libargon2. Without a version where it is 0."""
    text = argon2.low_level.hash_secret(
        PASSWORD.encode(),
        SALT,
        time_cost=passes,
        memory_cost=kib,
        parallelism=lanes,
        hash_len=size,
        type=argon2.low_level.Type[kind.removeprefix("argon2").upper()],
        version=version or 16,
    ).decode()
    return text if version else text.replace("$v=16", "")


def pbkdf2_of_phc(name: str, rounds: int = 1000, *, size: int, told: int | None = None, named: bool = True) -> str:
    """In the PHC string format. RustCrypto does not name SHA-1."""
    digest = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), SALT, rounds, size)
    length = "" if told is None else f",l={told}"
    return f"$pbkdf2{f'-{name}' if named else ''}$i={rounds}{length}${base64_of(SALT)}${base64_of(digest)}"


def scrypt_of_phc(ln: int = 10, r: int = 8, p: int = 1, *, size: int = 32) -> str:
    """In the PHC string format."""
    digest = hashlib.scrypt(PASSWORD.encode(), salt=SALT, n=1 << ln, r=r, p=p, dklen=size, maxmem=_SCRYPT_BYTES)
    return f"$scrypt$ln={ln},r={r},p={p}${base64_of(SALT)}${base64_of(digest)}"


def scrypt_of_django(n: int = 1024, salt: str = "saltSALT0123") -> str:
    """As Django writes it."""
    digest = hashlib.scrypt(PASSWORD.encode(), salt=salt.encode(), n=n, r=8, p=1, dklen=64, maxmem=_SCRYPT_BYTES)
    return f"scrypt${n}${salt}$8$1${base64.b64encode(digest).decode()}"


def pbkdf2_by_hashlib(password: str, text: str) -> bool:
    """Verify the PHC string format: whatever passlib takes it for, passlib cannot."""
    _, label, costs, salt, digest = text.split("$")
    expected = bytes_of(digest)
    rounds = int(costs.partition(",")[0].removeprefix("i="))
    name = label.removeprefix("pbkdf2").removeprefix("-") or "sha1"
    made = hashlib.pbkdf2_hmac(name, password.encode(), bytes_of(salt), rounds, len(expected))
    return hmac.compare_digest(made, expected)


def scrypt_by_hashlib(password: str, text: str) -> bool:
    """Verify scrypt in both spellings, with a digest of any length."""
    if text.startswith("$"):
        _, _, costs, salt_text, digest = text.split("$")
        ln, r, p = (int(each.partition("=")[2]) for each in costs.split(","))
        n, salt = 1 << ln, bytes_of(salt_text)
    else:
        _, n_text, salt_text, r_text, p_text, digest = text.split("$")
        n, r, p, salt = int(n_text), int(r_text), int(p_text), salt_text.encode()
    expected = bytes_of(digest)
    made = hashlib.scrypt(
        password.encode(), salt=salt, n=n, r=r, p=p, dklen=len(expected), maxmem=128 * (n + p + 2) * r
    )
    return hmac.compare_digest(made, expected)


def _prehashed_by_wordpress(password: str) -> str:
    return base64.b64encode(hmac.digest(b"wp-sha384", password.encode(), "sha384")).decode()


def _prehashed_by_django(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _of_bcrypt(beginning: str, scheme: str, prehashed: Callable[[str], str], *, ident: str) -> Example:
    """Bcrypt of another hash, with another system's beginning before it."""

    def verify(password: str, text: str) -> bool:
        return bool(passlib_hash.bcrypt.verify(prehashed(password), text.removeprefix(beginning)))

    made = passlib_hash.bcrypt.using(rounds=4, ident=ident).hash(prehashed(PASSWORD))
    return Example(beginning + made, scheme, verify)


def _encrypted_by_firebase(password: str, *, n: int, r: int, p: int, salt: bytes) -> bytes:
    key = hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=32, maxmem=128 * (n + p + 2) * r)
    return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(SIGNER_KEY)


def firebase_hash(*, separator: bytes = b"\x07") -> str:
    """As Supabase's GoTrue writes it, at a low cost."""
    digest = _encrypted_by_firebase(PASSWORD, n=1024, r=8, p=1, salt=SALT + separator)
    written = f",ss={base64.b64encode(separator).decode()}" if separator else ""
    salt, digits = (base64.b64encode(each).decode() for each in (SALT, digest))
    return f"$fbscrypt$v=1,n=10,r=8,p=1{written}${salt}${digits}"


def firebase_by_cryptography(password: str, text: str) -> bool:
    """Verify a hash of Firebase with the project's signer key."""
    _, _, costs, salt, digest = text.split("$")
    by_name = dict(each.split("=", 1) for each in costs.split(","))
    n, r, p = 1 << int(by_name["n"]), int(by_name["r"]), int(by_name["p"])
    salted = bytes_of(salt) + bytes_of(by_name.get("ss", ""))
    return _encrypted_by_firebase(password, n=n, r=r, p=p, salt=salted) == bytes_of(digest)


def wrapped_hash(digest: str, steps: str) -> str:
    """argon2id of a digest, at the lowest cost."""
    made: str = passlib_hash.argon2.using(memory_cost=8, rounds=1, parallelism=1).hash(digest)
    return f"$wrapped${steps}{made}"


def _wrapped(steps: str, scheme: str, digest_of: Callable[[bytes], str]) -> Example:
    def verify(password: str, text: str) -> bool:
        return bool(passlib_hash.argon2.verify(digest_of(password.encode()), text[text.index("$argon2id$") :]))

    return Example(wrapped_hash(digest_of(PASSWORD.encode()), steps), scheme, verify)


def _hexadecimal_by(name: str, password: bytes) -> str:
    return hashlib.new(name, password).hexdigest()


def _salted_twice(password: bytes) -> str:
    first = hashlib.new("md5", SALT + password, usedforsecurity=False).hexdigest().encode()
    return hashlib.sha256(first + SALT).hexdigest()


def _by_passlib(handler: Any, scheme: str, **settings: object) -> Example:
    made: str = handler.using(**settings).hash(PASSWORD)
    return Example(made, scheme, partial(_verify_by_passlib, handler))


def _verify_by_passlib(handler: Any, password: str, text: str) -> bool:
    return bool(handler.verify(password, text))


OF_FIREBASE: Final = HashRules(signer_key_bytes=len(SIGNER_KEY))
"""Of a service that has the signer key."""
_VERIFY_ARGON2: Final = partial(_verify_by_passlib, passlib_hash.argon2)
_BCRYPT: Final = _by_passlib(passlib_hash.bcrypt, "bcrypt", rounds=4, ident="2b")
_PHPASS: Final = _by_passlib(passlib_hash.phpass, "phpass", rounds=7)

EXAMPLES: Final = {
    **{
        f"{kind}, {f'version {version}' if version else 'no version'}": Example(
            argon2_hash(kind, version=version), kind, _VERIFY_ARGON2
        )
        for kind in ("argon2id", "argon2i", "argon2d")
        for version in (19, 16, 0)
    },
    "argon2id, 64 bytes": Example(argon2_hash("argon2id", size=64), "argon2id", _VERIFY_ARGON2),
    "argon2id, most lanes": Example(argon2_hash("argon2id", kib=64, passes=16, lanes=8), "argon2id", _VERIFY_ARGON2),
    "bcrypt, $2b$": _BCRYPT,
    "bcrypt, $2a$": _by_passlib(passlib_hash.bcrypt, "bcrypt", rounds=4, ident="2a"),
    "bcrypt, $2y$": _by_passlib(passlib_hash.bcrypt, "bcrypt", rounds=4, ident="2y"),
    "PBKDF2, passlib, SHA-1": _by_passlib(passlib_hash.pbkdf2_sha1, "pbkdf2-sha1", rounds=1000),
    "PBKDF2, passlib, SHA-256": _by_passlib(passlib_hash.pbkdf2_sha256, "pbkdf2-sha256", rounds=1000),
    "PBKDF2, passlib, SHA-512": _by_passlib(passlib_hash.pbkdf2_sha512, "pbkdf2-sha512", rounds=1000),
    "PBKDF2, Django, SHA-1": _by_passlib(passlib_hash.django_pbkdf2_sha1, "pbkdf2-sha1", rounds=1000),
    "PBKDF2, Django, SHA-256": _by_passlib(passlib_hash.django_pbkdf2_sha256, "pbkdf2-sha256", rounds=1000),
    "PBKDF2, PHC, SHA-1": Example(pbkdf2_of_phc("sha1", size=20), "pbkdf2-sha1", pbkdf2_by_hashlib),
    "PBKDF2, RustCrypto, SHA-1": Example(
        pbkdf2_of_phc("sha1", size=20, told=20, named=False),
        "pbkdf2-sha1",
        pbkdf2_by_hashlib,
    ),
    "PBKDF2, PHC, SHA-256": Example(pbkdf2_of_phc("sha256", size=32), "pbkdf2-sha256", pbkdf2_by_hashlib),
    "PBKDF2, PHC, SHA-512": Example(pbkdf2_of_phc("sha512", size=64), "pbkdf2-sha512", pbkdf2_by_hashlib),
    "PBKDF2, RustCrypto, SHA-512": Example(
        pbkdf2_of_phc("sha512", size=32, told=32), "pbkdf2-sha512", pbkdf2_by_hashlib
    ),
    "scrypt, passlib": _by_passlib(passlib_hash.scrypt, "scrypt", rounds=10),
    "scrypt, PHC, 64 bytes": Example(scrypt_of_phc(size=64), "scrypt", scrypt_by_hashlib),
    "scrypt, PHC, one block": Example(scrypt_of_phc(15, 1), "scrypt", scrypt_by_hashlib),
    "scrypt, PHC, many blocks": Example(scrypt_of_phc(10, 128, 2), "scrypt", scrypt_by_hashlib),
    "scrypt, Django": Example(scrypt_of_django(), "scrypt", scrypt_by_hashlib),
    "phpass, $P$": _PHPASS,
    "phpass, $H$": _by_passlib(passlib_hash.phpass, "phpass", rounds=7, ident="H"),
    "sha256-crypt": _by_passlib(passlib_hash.sha256_crypt, "sha256-crypt", rounds=1000),
    "sha256-crypt, no rounds": _by_passlib(passlib_hash.sha256_crypt, "sha256-crypt", rounds=5000),
    "sha256-crypt, short salt": _by_passlib(passlib_hash.sha256_crypt, "sha256-crypt", rounds=1000, salt="x"),
    "sha512-crypt": _by_passlib(passlib_hash.sha512_crypt, "sha512-crypt", rounds=1000),
    "sha512-crypt, no rounds": _by_passlib(passlib_hash.sha512_crypt, "sha512-crypt", rounds=5000),
    "bcrypt, WordPress": _of_bcrypt("$wp", "bcrypt-wordpress", _prehashed_by_wordpress, ident="2y"),
    "bcrypt-sha256, Django": _of_bcrypt("bcrypt_sha256$", "bcrypt-sha256", _prehashed_by_django, ident="2b"),
    "bcrypt-sha256, passlib": _by_passlib(passlib_hash.bcrypt_sha256, "bcrypt-sha256", rounds=4),
    "bcrypt-sha256, passlib's first": _by_passlib(passlib_hash.bcrypt_sha256, "bcrypt-sha256", rounds=4, version=1),
    "Firebase": Example(firebase_hash(), "firebase-scrypt", firebase_by_cryptography, OF_FIREBASE),
    "Firebase, no separator": Example(
        firebase_hash(separator=b""), "firebase-scrypt", firebase_by_cryptography, OF_FIREBASE
    ),
    **{
        f"wrapped, {name}": _wrapped(name, f"argon2id+{name}", partial(_hexadecimal_by, name))
        for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
    },
    "wrapped, two steps with salts": _wrapped(
        f"md5,b={base64_of(SALT)}:sha256,a={base64_of(SALT)}", "argon2id+sha256+md5", _salted_twice
    ),
}
"""By name, in every accepted spelling."""
