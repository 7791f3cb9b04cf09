"""A hash may be imported if a login can verify it, and in no time that hurts."""

from __future__ import annotations

import base64
import hashlib
import re
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passlib import hash as passlib_hash

from schemas.password_hashes import parsing
from schemas.password_hashes.parsing import PasswordHashError, parse_password_hash
from tests.api_shim.test_parsing_is_linear import giving_back

PASSWORD: Final = "correct horse"
SALT: Final = b"0123456789abcdef"


def _digest(name: str) -> str:
    return hashlib.new(name, b"p").hexdigest()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def pbkdf2_of_phc(name: str, rounds: int, *, size: int = 32, told: int | None = None) -> str:
    digest = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), SALT, rounds, size)
    length = "" if told is None else f",l={told}"
    return f"$pbkdf2-{name}$i={rounds}{length}${b64(SALT)}${b64(digest)}"


def scrypt_of_phc(ln: int, r: int = 8, p: int = 1, *, size: int = 32) -> str:
    digest = hashlib.scrypt(PASSWORD.encode(), salt=SALT, n=1 << ln, r=r, p=p, dklen=size, maxmem=1 << 28)
    return f"$scrypt$ln={ln},r={r},p={p}${b64(SALT)}${b64(digest)}"


def scrypt_of_django(n: int = 1024) -> str:
    digest = hashlib.scrypt(PASSWORD.encode(), salt=b"saltsaltsalt", n=n, r=8, p=1, dklen=64, maxmem=1 << 28)
    return f"scrypt${n}$saltsaltsalt$8$1${base64.b64encode(digest).decode()}"


def argon2(kind: str, **costs: int) -> str:
    settings = {"memory_cost": 64, "rounds": 1, "parallelism": 1, **costs}
    return str(passlib_hash.argon2.using(type=kind, **settings).hash(PASSWORD))


BY_PASSLIB: Final = {
    "argon2id": argon2("ID"),
    "argon2i": argon2("I"),
    "argon2d": argon2("D"),
    "bcrypt": passlib_hash.bcrypt.using(rounds=4).hash(PASSWORD),
    "pbkdf2-sha1": passlib_hash.pbkdf2_sha1.using(rounds=1000).hash(PASSWORD),
    "pbkdf2-sha256": passlib_hash.pbkdf2_sha256.using(rounds=1000).hash(PASSWORD),
    "pbkdf2-sha512": passlib_hash.pbkdf2_sha512.using(rounds=1000).hash(PASSWORD),
    "scrypt": passlib_hash.scrypt.using(rounds=10).hash(PASSWORD),
    "phpass": passlib_hash.phpass.using(rounds=7).hash(PASSWORD),
    "sha256-crypt": passlib_hash.sha256_crypt.using(rounds=1000).hash(PASSWORD),
    "sha512-crypt": passlib_hash.sha512_crypt.using(rounds=1000).hash(PASSWORD),
}
"""By scheme, a hash that passlib made and verifies."""

VERIFIERS: Final = {
    "argon2id": passlib_hash.argon2,
    "argon2i": passlib_hash.argon2,
    "argon2d": passlib_hash.argon2,
    "bcrypt": passlib_hash.bcrypt,
    "pbkdf2-sha1": passlib_hash.pbkdf2_sha1,
    "pbkdf2-sha256": passlib_hash.pbkdf2_sha256,
    "pbkdf2-sha512": passlib_hash.pbkdf2_sha512,
    "scrypt": passlib_hash.scrypt,
    "phpass": passlib_hash.phpass,
    "sha256-crypt": passlib_hash.sha256_crypt,
    "sha512-crypt": passlib_hash.sha512_crypt,
}

OTHER_SPELLINGS: Final = {
    "bcrypt, $2y$": (BY_PASSLIB["bcrypt"].replace("$2b$", "$2y$"), "bcrypt"),
    "bcrypt, $2a$": (BY_PASSLIB["bcrypt"].replace("$2b$", "$2a$"), "bcrypt"),
    "phpass, $H$": (BY_PASSLIB["phpass"].replace("$P$", "$H$"), "phpass"),
    "django, sha256": (passlib_hash.django_pbkdf2_sha256.using(rounds=1000).hash(PASSWORD), "pbkdf2-sha256"),
    "django, sha1": (passlib_hash.django_pbkdf2_sha1.using(rounds=1000).hash(PASSWORD), "pbkdf2-sha1"),
    "django, scrypt": (scrypt_of_django(), "scrypt"),
    "PHC, PBKDF2": (pbkdf2_of_phc("sha256", 1000), "pbkdf2-sha256"),
    "PHC, PBKDF2 with its length": (pbkdf2_of_phc("sha512", 25_000, size=64, told=64), "pbkdf2-sha512"),
    "PHC, scrypt of 64 bytes": (scrypt_of_phc(10, size=64), "scrypt"),
    "sha-crypt without rounds": (passlib_hash.sha512_crypt.using(rounds=5000).hash(PASSWORD), "sha512-crypt"),
    "argon2 without a version": (re.sub(r"\$v=\d+", "", BY_PASSLIB["argon2id"]), "argon2id"),
}
"""By name, a hash in another spelling, and its scheme."""


@pytest.mark.parametrize("scheme", BY_PASSLIB)
def test_a_hash_that_is_verified_elsewhere_may_be_imported(scheme: str) -> None:
    text = BY_PASSLIB[scheme]
    parsed = parse_password_hash(text)
    assert (parsed.scheme, parsed.text) == (scheme, text)
    assert VERIFIERS[scheme].verify(PASSWORD, text)
    assert text not in repr(parsed)


@pytest.mark.parametrize("name", OTHER_SPELLINGS)
def test_other_spellings_of_a_scheme_may_be_imported(name: str) -> None:
    text, scheme = OTHER_SPELLINGS[name]
    assert parse_password_hash(text).scheme == scheme


@pytest.mark.parametrize("text", [*BY_PASSLIB.values(), *(text for text, _ in OTHER_SPELLINGS.values())])
def test_a_hash_that_is_cut_off_or_longer_or_has_a_wrong_digit_is_refused(text: str) -> None:
    for damaged in (text[:-1], text[:-7], f"{text}A", f"{text}\n", f" {text}", f"{text[:-1]}!", f"{text}$", text * 9):
        with pytest.raises(PasswordHashError) as caught:
            parse_password_hash(damaged)
        assert text[-10:] not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(argon2("ID").replace("m=64", "m=262145"), id="argon2: memory"),
        pytest.param(argon2("ID").replace("m=64", "m=7"), id="argon2: too little memory"),
        pytest.param(argon2("ID").replace("t=1", "t=17"), id="argon2: passes"),
        pytest.param(argon2("ID").replace("p=1", "p=9"), id="argon2: lanes"),
        pytest.param(argon2("ID").replace("m=64", "m=" + "9" * 400), id="argon2: a long number"),
        pytest.param(argon2("ID").replace("m=64", "m=064"), id="argon2: a leading zero"),
        pytest.param(BY_PASSLIB["bcrypt"].replace("$04$", "$15$"), id="bcrypt"),
        pytest.param(BY_PASSLIB["bcrypt"].replace("$04$", "$03$"), id="bcrypt: too little"),
        pytest.param(BY_PASSLIB["pbkdf2-sha256"].replace("$1000$", "$2000001$"), id="passlib's PBKDF2"),
        pytest.param(BY_PASSLIB["pbkdf2-sha256"].replace("$1000$", "$1$"), id="passlib's PBKDF2: too little"),
        pytest.param(pbkdf2_of_phc("sha256", 1000).replace("i=1000", "i=2000001"), id="PBKDF2"),
        pytest.param(scrypt_of_phc(10).replace("ln=10", "ln=18"), id="scrypt: memory"),
        pytest.param(scrypt_of_phc(10).replace("ln=10", "ln=31"), id="scrypt: absurd memory"),
        pytest.param(scrypt_of_phc(10).replace("p=1", "p=9"), id="scrypt: lanes"),
        pytest.param(scrypt_of_phc(10).replace("ln=10", "ln=9"), id="scrypt: too little"),
        pytest.param(scrypt_of_django().replace("$1024$", "$262144$"), id="Django's scrypt"),
        pytest.param(BY_PASSLIB["phpass"].replace("$P$5", "$P$H"), id="phpass"),
        pytest.param(BY_PASSLIB["sha512-crypt"].replace("=1000$", "=1000001$"), id="sha-crypt"),
        pytest.param(BY_PASSLIB["sha512-crypt"].replace("=1000$", "=999$"), id="sha-crypt: too little"),
    ],
)
def test_costs_outside_the_bounds_are_refused_by_name(text: str) -> None:
    with pytest.raises(PasswordHashError, match="cost"):
        parse_password_hash(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(scrypt_of_django().replace("$1024$", "$1025$"), id="scrypt: N is no power of two"),
        pytest.param(pbkdf2_of_phc("sha256", 1000, told=31), id="PBKDF2: another length than told"),
        pytest.param(pbkdf2_of_phc("sha256", 1000, size=12), id="PBKDF2: a short digest"),
        pytest.param(BY_PASSLIB["pbkdf2-sha512"].replace("sha512", "sha256"), id="PBKDF2: another hash's digest"),
        pytest.param(BY_PASSLIB["bcrypt"][:28] + "/" + BY_PASSLIB["bcrypt"][29:], id="bcrypt: bits left over"),
        pytest.param(BY_PASSLIB["phpass"][:-1] + "z", id="phpass: bits left over"),
        pytest.param(BY_PASSLIB["sha512-crypt"][:-1] + "z", id="sha-crypt: bits left over"),
        pytest.param("$argon2id$v=18$m=64,t=1,p=1$c2FsdHNhbHQ$" + "A" * 43, id="argon2: a version that is none"),
        pytest.param("$argon2id$v=19$t=1,m=64,p=1$c2FsdHNhbHQ$" + "A" * 43, id="argon2: another order"),
        pytest.param("$argon2id$v=19$m=64,t=1,p=1$c2FsdA$" + "A" * 43, id="argon2: a short salt"),
    ],
)
def test_what_looks_like_a_known_hash_and_no_login_could_verify_is_refused(text: str) -> None:
    with pytest.raises(PasswordHashError, match="not written as one"):
        parse_password_hash(text)


@pytest.mark.parametrize(
    "text",
    [
        *(_digest(name) for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")),
        _digest("md5").upper(),
        f"{_digest('md5')}:salt",
        f"salt:{_digest('sha256')}",
        f"*{_digest('sha1').upper()}",
        "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
        "$apr1$saltsalt$Xxd1irWT9ycqoYxGFn4cb.",
        "{SSHA}MTIzNDU2Nzg5MDEyMzQ1Njc4OTBzYWx0",
        "{SHA512}abc",
        "$NT$8846f7eaee8fb117ad06bdd830b7586c",
        f"md5$salt${_digest('md5')}",
        f"sha1$salt${_digest('sha1')}",
    ],
)
def test_fast_hashes_are_refused_as_fast(text: str) -> None:
    with pytest.raises(PasswordHashError, match="fast hash"):
        parse_password_hash(text)


@pytest.mark.parametrize("text", ["", "password", "$7$abc", "x" * 600, "$2b$", "ünïcode", "\x00"])
def test_other_strings_are_refused(text: str) -> None:
    with pytest.raises(PasswordHashError):
        parse_password_hash(text)


@given(st.text(alphabet="$,=.:/+*{}abcdefABCDEF0123456789mtpirln_", max_size=200))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(PasswordHashError):
        assert parse_password_hash(text).text == text


def test_no_pattern_gives_a_character_back() -> None:
    for pattern in (*(form for form, _ in parsing.FORMS), *parsing.FAST_FORMS):
        assert giving_back(pattern) == [], pattern.pattern
