"""What is no hash of a kind that can be imported, and what is said of it."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from typing import Final

import pytest
from passlib import hash as passlib_hash

from tests.schemas.password_hashes.examples import (
    OF_FIREBASE,
    argon2_hash,
    pbkdf2_of_phc,
    scrypt_of_django,
    scrypt_of_phc,
)
from tests.schemas.password_hashes.refusing import (
    ARGON2,
    BCRYPT,
    BCRYPT_SHA256,
    DJANGO,
    FIREBASE,
    PASSLIB,
    SHA256_CRYPT,
    SHA512_CRYPT,
    WRAPPED,
    refusal,
)


def _without_salt(text: str) -> str:
    *before, _, digest = text.split("$")
    return "$".join([*before, "", digest])


MALFORMED: Final = {
    "argon2: a version that is none": ARGON2.replace("v=19", "v=18"),
    "argon2: another order": ARGON2.replace("m=8,t=1", "t=1,m=8"),
    "argon2: a cost is missing": ARGON2.replace(",p=1", ""),
    "argon2: a key id": ARGON2.replace(",p=1", ",p=1,keyid=AAAA"),
    "argon2: data": ARGON2.replace(",p=1", ",p=1,data=AAAA"),
    "argon2: a leading zero": ARGON2.replace("m=8,", "m=08,"),
    "argon2: a sign": ARGON2.replace("m=8,", "m=+8,"),
    "argon2: a short salt": re.sub(r"\$[^$]+(\$[^$]+)\Z", r"$c2FsdA\1", ARGON2),
    "argon2: a short digest": argon2_hash("argon2id", size=12),
    "argon2: padding": re.sub(r"\$([^$]+)(\$[^$]+)\Z", r"$\1==\2", ARGON2),
    "argon2: of no such kind": ARGON2.replace("argon2id", "argon2ds"),
    "bcrypt: one digit": BCRYPT.replace("$04$", "$4$"),
    "bcrypt: bits left over in the salt": BCRYPT[:28] + "/" + BCRYPT[29:],
    "PBKDF2, PHC: another length than told": pbkdf2_of_phc("sha256", size=32, told=31),
    "PBKDF2, PHC: a length with a zero": pbkdf2_of_phc("sha256", size=32, told=32).replace("l=32", "l=032"),
    "PBKDF2, PHC: a short digest": pbkdf2_of_phc("sha256", size=12),
    "PBKDF2, PHC: a digest that costs a login more": pbkdf2_of_phc("sha1", size=64, told=64),
    "PBKDF2, PHC: another order": pbkdf2_of_phc("sha256", size=32, told=32).replace("i=1000,l=32", "l=32,i=1000"),
    "PBKDF2, PHC: SHA-384": pbkdf2_of_phc("sha384", size=48),
    "PBKDF2, passlib: the digest of another hash": PASSLIB.replace("sha256", "sha512"),
    "PBKDF2, passlib: a leading zero": PASSLIB.replace("$1000$", "$01000$"),
    "PBKDF2, passlib: no salt": _without_salt(PASSLIB),
    "PBKDF2, Django: SHA-512, which Django does not have": DJANGO.replace("sha256", "sha512"),
    "PBKDF2, Django: no padding": DJANGO.rstrip("="),
    "PBKDF2, Django: no salt": _without_salt(DJANGO),
    "scrypt: another order": scrypt_of_phc().replace("r=8,p=1", "p=1,r=8"),
    "scrypt: N in place of its logarithm": scrypt_of_phc().replace("ln=10", "n=1024"),
    "scrypt: a short digest": scrypt_of_phc(size=12),
    "scrypt: a long digest": scrypt_of_phc(size=68),
    "scrypt, Django: N is no power of two": scrypt_of_django().replace("$1024$", "$1025$"),
    "scrypt, Django: the salt first": scrypt_of_django().replace("$1024$saltSALT0123$", "$saltSALT0123$1024$"),
    "sha-crypt: no salt": _without_salt(SHA256_CRYPT),
    "sha-crypt: a long salt": SHA256_CRYPT.replace("$rounds=1000$", "$rounds=1000$x"),
    "sha-crypt: a leading zero": SHA256_CRYPT.replace("=1000$", "=01000$"),
    "sha-crypt: the digest of the other": SHA256_CRYPT.replace("$5$", "$6$"),
    "WordPress: of another scheme": "$wp" + ARGON2,
    "bcrypt-sha256, Django: one dollar sign": "bcrypt_sha256" + BCRYPT,
    "bcrypt-sha256, passlib: two digits": BCRYPT_SHA256.replace("r=4", "r=04"),
    "bcrypt-sha256, passlib: another version": BCRYPT_SHA256.replace("v=2", "v=3"),
    "bcrypt-sha256, passlib: the first one's cost": BCRYPT_SHA256.replace("r=4", "4"),
    "bcrypt-sha256, passlib: another kind": BCRYPT_SHA256.replace("t=2b", "t=2a"),
    "Firebase: another version": FIREBASE.replace("v=1", "v=2"),
    "Firebase: a hash that is shorter than the key": re.sub(r"\$[^$]+\Z", "$" + "A" * 43 + "=", FIREBASE),
    "Firebase: no padding": FIREBASE.rstrip("="),
    "Firebase: an empty separator": re.sub(r"ss=[^$]*", "ss=", FIREBASE),
    "wrapped: no step": WRAPPED.replace("$md5$", "$$"),
    "wrapped: an unknown step": WRAPPED.replace("$md5$", "$md4$"),
    "wrapped: four steps": WRAPPED.replace("$md5$", "$md5:md5:md5:md5$"),
    "wrapped: another order": WRAPPED.replace("$md5$", "$md5,a=QUJD,b=QUJD$"),
    "wrapped: an empty salt": WRAPPED.replace("$md5$", "$md5,b=$"),
    "wrapped: bits left over in a salt": WRAPPED.replace("$md5$", "$md5,b=QUJDRF$"),
    "wrapped: long salts": WRAPPED.replace("$md5$", f"$md5,b={'QUJD' * 22}:md5,a={'QUJD' * 21}$"),
    "wrapped: in another kind of argon2": WRAPPED.replace("argon2id", "argon2i"),
    "wrapped: in an old argon2": WRAPPED.replace("v=19", "v=16"),
    "digest: no step": f"$digest$${'0' * 32}",
    "digest: of another hash": f"$digest$sha1${'0' * 32}",
    "digest: upper case": f"$digest$md5${'A' * 32}",
}
"""By name, a hash with a known beginning that is not written as one."""


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_looks_like_a_known_hash_and_is_none_is_refused(text: str) -> None:
    assert "not written as one" in refusal(text, OF_FIREBASE)


def _digest(name: str) -> str:
    return hashlib.new(name, b"p").hexdigest()


def _base64(name: str) -> str:
    return base64.b64encode(hashlib.new(name, b"p").digest()).decode()


def _made_by(kind: str) -> str:
    """A hash that passlib makes of this kind."""
    users = {"postgres_md5": {"user": "me"}, "msdcc": {"user": "me"}}
    return str(getattr(passlib_hash, kind).hash("password", **users.get(kind, {})))


_FAST: Final = "is a fast hash (MD5, SHA-1 or SHA-2"


_OTHER: Final = "is no hash of a kind that can be imported: argon2, bcrypt, "


@pytest.mark.parametrize(
    "text",
    [
        *(_digest(name) for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")),
        *(_base64(name) for name in ("md5", "sha1", "sha256", "sha512")),
        _digest("md5").upper(),
        f"{_digest('md5')}:salt",
        f"salt:{_digest('sha256')}",
        f"sha1:salt:{_digest('sha1')}",
        f"$SHA$salt${_digest('sha256')}",
        f"sha256$salt${_digest('sha256')}",
        "{SSHA256.b64}MTIzNDU2Nzg5MDEyMzQ1Njc4OTBzYWx0",
    ],
)
def test_fast_hashes_are_refused_as_fast(text: str) -> None:
    assert refusal(text).startswith(_FAST)


@pytest.mark.parametrize(
    "kind",
    [
        *("md5_crypt", "apr_md5_crypt", "bsd_nthash", "nthash", "lmhash", "hex_md4", "postgres_md5"),
        *("mysql323", "mysql41", "mssql2000", "mssql2005", "msdcc", "ldap_md5", "ldap_salted_md5", "ldap_sha1"),
        *("ldap_salted_sha1", "ldap_salted_sha256", "ldap_salted_sha512", "django_salted_sha1", "django_salted_md5"),
    ],
)
def test_fast_hashes_of_passlib_are_refused_as_fast(kind: str) -> None:
    assert refusal(_made_by(kind)).startswith(_FAST)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "password",
            "secret word",
            "$7$abc",
            "ünïcode",
            "\x00",
            "$",
            "$$$$",
            "*",
            "!",
            "x",
            "{CRYPT}x",
            "$S$E",
            "$2x$",
            "$y$j9T$",
        ),
        "pbkdf2:sha256:600000$saltsalt$" + _digest("sha256"),
        "scrypt:32768:8:1$saltsalt$" + _digest("sha512"),
    ],
)
def test_other_strings_are_refused_with_the_kinds_that_can_be_imported(text: str) -> None:
    assert refusal(text).startswith(_OTHER)


@pytest.mark.parametrize(
    "kind", ["des_crypt", "sha1_crypt", "sun_md5_crypt", "grub_pbkdf2_sha512", "atlassian_pbkdf2_sha1"]
)
def test_other_hashes_of_passlib_are_refused_with_the_kinds_that_can_be_imported(kind: str) -> None:
    assert refusal(_made_by(kind)).startswith(_OTHER)


@pytest.mark.parametrize(
    "text",
    [
        *("{CRYPT}" + SHA512_CRYPT, "{crypt}" + BCRYPT, "{BLF-CRYPT}" + BCRYPT, "{bcrypt}" + BCRYPT),
        *("{argon2@SpringSecurity_v5_8}" + ARGON2, "argon2" + ARGON2, "bcrypt$" + BCRYPT),
    ],
    ids=itertools.count(),
)
def test_a_hash_behind_another_systems_prefix_is_refused_and_the_prefix_is_told_of(text: str) -> None:
    assert refusal(text) == "has another system's prefix before the hash: send the hash alone"
