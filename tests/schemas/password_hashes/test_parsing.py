"""A hash may be imported if a login can verify it, and in no time that hurts."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import warnings
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passlib import hash as passlib_hash

from schemas.password_hashes.parsing import PLAIN_RULES, HashRules, parse_password_hash
from schemas.password_hashes.refusals import PasswordHashError
from tests.schemas.password_hashes.examples import (
    EXAMPLES,
    OF_FIREBASE,
    PASSWORD,
    Example,
    argon2_hash,
    pbkdf2_of_phc,
    scrypt_by_hashlib,
    scrypt_of_django,
    scrypt_of_phc,
)

SCHEMES: Final = {example.scheme for example in EXAMPLES.values()}
ARGON2: Final = argon2_hash("argon2id")
BCRYPT: Final = EXAMPLES["bcrypt, $2b$"].text
PASSLIB: Final = EXAMPLES["PBKDF2, passlib, SHA-256"].text
DJANGO: Final = EXAMPLES["PBKDF2, Django, SHA-256"].text
PHPASS: Final = EXAMPLES["phpass, $P$"].text
SHA256_CRYPT: Final = EXAMPLES["sha256-crypt"].text
SHA512_CRYPT: Final = EXAMPLES["sha512-crypt"].text
WORDPRESS: Final = EXAMPLES["bcrypt, WordPress"].text
BCRYPT_SHA256: Final = EXAMPLES["bcrypt-sha256, passlib"].text
FIREBASE: Final = EXAMPLES["Firebase"].text
WRAPPED: Final = EXAMPLES["wrapped, md5"].text


def refusal(text: str, rules: HashRules = PLAIN_RULES) -> str:
    """Why the text may not be imported."""
    with pytest.raises(PasswordHashError) as caught:
        parse_password_hash(text, rules)
    return str(caught.value)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_accepted_spelling_is_one_that_a_library_verifies(name: str) -> None:
    example = EXAMPLES[name]
    assert parse_password_hash(example.text, example.rules) == example.scheme
    assert example.verify(PASSWORD, example.text)
    assert not example.verify(f"{PASSWORD}x", example.text)


def test_djangos_own_example_is_accepted() -> None:
    digest = "Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw=="
    text = f"scrypt$16384$seasalt$8$1${digest}"
    assert parse_password_hash(text) == "scrypt"
    assert scrypt_by_hashlib("lètmein", text)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_a_hash_that_is_cut_off_or_longer_or_damaged_is_refused_and_not_repeated(example: Example) -> None:
    text = example.text
    tail = text.rpartition("$")[2]
    damaged = [
        *(text[: len(text) - count] for count in (1, 3, 7, len(tail), len(tail) + 1)),
        *(text + more for more in ("A", ".", "=", "==", "\n", "\0", " ", "$", "$x", ":")),
        *(before + text for before in (" ", "\n", "\0", "x", "{CRYPT}", "argon2", "bcrypt$", "\ufeff")),
        *(text[:-1] + wrong for wrong in ("!", "-", "_", "\u0661", "é", "\n")),
        *(text.replace("$", wrong, 2) for wrong in ("", "$$", ":", "£")),
        text * 9,
    ]
    for each in damaged:
        assert tail[-10:] not in refusal(each, example.rules)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_only_one_last_character_of_those_that_decode_to_the_same_bytes_is_accepted(example: Example) -> None:
    """What a digest leaves over in its last character is zero. Verifiers compare the text."""
    text = example.text
    body = text.rstrip("=")
    alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+"
    accepted = 0
    for last in alphabet:
        with suppress(PasswordHashError):
            parse_password_hash(body[:-1] + last + text[len(body) :], example.rules)
            accepted += 1
    assert accepted in {4, 16}


COSTS: Final = {
    "argon2: memory": ARGON2.replace("m=8,", "m=262145,"),
    "argon2: too little memory": ARGON2.replace("m=8,", "m=7,"),
    "argon2: too little memory for the lanes": ARGON2.replace("p=1$", "p=2$"),
    "argon2: passes": ARGON2.replace("t=1,", "t=17,"),
    "argon2: no pass": ARGON2.replace("t=1,", "t=0,"),
    "argon2: passes over much memory": ARGON2.replace("m=8,t=1", "m=262144,t=5"),
    "argon2: many passes over some memory": ARGON2.replace("m=8,t=1", "m=65537,t=16"),
    "argon2: lanes": ARGON2.replace("m=8,", "m=4096,").replace("p=1$", "p=9$"),
    "argon2: a long number": ARGON2.replace("m=8,", "m=" + "9" * 400 + ","),
    "bcrypt": BCRYPT.replace("$04$", "$15$"),
    "bcrypt: too little": BCRYPT.replace("$04$", "$03$"),
    "PBKDF2, passlib": PASSLIB.replace("$1000$", "$2000001$"),
    "PBKDF2, passlib: too little": PASSLIB.replace("$1000$", "$999$"),
    "PBKDF2, Django": DJANGO.replace("$1000$", "$2000001$"),
    "PBKDF2, Django: nothing": DJANGO.replace("$1000$", "$0$"),
    "PBKDF2, PHC": pbkdf2_of_phc("sha256", size=32).replace("i=1000", "i=2000001"),
    "scrypt: memory": scrypt_of_phc().replace("ln=10", "ln=18"),
    "scrypt: blocks": scrypt_of_phc().replace("r=8", "r=1025"),
    "scrypt: memory by blocks": scrypt_of_phc().replace("ln=10,r=8", "ln=17,r=9"),
    "scrypt: absurd memory": scrypt_of_phc().replace("ln=10", "ln=63"),
    "scrypt: lanes": scrypt_of_phc().replace("p=1$", "p=9$"),
    "scrypt: memory in all lanes": scrypt_of_phc().replace("ln=10,r=8,p=1", "ln=17,r=8,p=3"),
    "scrypt: too little": scrypt_of_phc().replace("ln=10", "ln=9"),
    "scrypt: N for one block, which OpenSSL refuses": scrypt_of_phc().replace("ln=10,r=8", "ln=16,r=1"),
    "scrypt, Django: memory": scrypt_of_django().replace("$1024$", "$262144$"),
    "phpass": PHPASS.replace("$P$5", "$P$H"),
    "phpass: too little": PHPASS.replace("$P$5", "$P$4"),
    "sha256-crypt": SHA256_CRYPT.replace("=1000$", "=1000001$"),
    "bcrypt, WordPress": WORDPRESS.replace("$04$", "$14$"),
    "bcrypt, Django": "bcrypt_sha256$" + BCRYPT.replace("$04$", "$15$"),
    "bcrypt, passlib": BCRYPT_SHA256.replace("r=4", "r=15"),
    "bcrypt, passlib: too little": BCRYPT_SHA256.replace("r=4", "r=3"),
    "Firebase: memory": FIREBASE.replace("n=10", "n=18"),
    "Firebase: an absurd N": FIREBASE.replace("n=10", "n=4294967297"),
    "Firebase: nothing": FIREBASE.replace("n=10", "n=0"),
    "Firebase: no block": FIREBASE.replace("r=8", "r=0"),
    "wrapped: memory": WRAPPED.replace("m=8,", "m=262145,"),
    "wrapped: passes over much memory": WRAPPED.replace("m=8,t=1", "m=262144,t=5"),
    "sha512-crypt: too little": SHA512_CRYPT.replace("=1000$", "=999$"),
}
"""By name, a hash whose cost is one step outside its bounds, or far outside."""


@pytest.mark.parametrize("text", COSTS.values(), ids=COSTS)
def test_a_cost_outside_its_bounds_is_refused_and_the_bounds_are_told(text: str) -> None:
    scheme = {
        "$s": "scrypt",
        "sc": "scrypt",
        "$f": "scrypt",
        "$5": "sha-crypt",
        "$6": "sha-crypt",
        "$P": "phpass",
        "$a": "argon2",
        "$2": "bcrypt",
        "$b": "bcrypt",
        "bc": "bcrypt",
        "$w": "bcrypt" if text == COSTS["bcrypt, WordPress"] else "argon2",
    }
    assert re.match(
        rf"has a cost outside the bounds: {scheme.get(text[:2], 'PBKDF2')} takes ", refusal(text, OF_FIREBASE)
    )


LARGEST: Final = {
    "argon2": ARGON2.replace("m=8,t=1,p=1", "m=262144,t=4,p=8"),
    "argon2, passes": ARGON2.replace("m=8,t=1,p=1", "m=65536,t=16,p=8"),
    "bcrypt": BCRYPT.replace("$04$", "$14$"),
    "PBKDF2, passlib": PASSLIB.replace("$1000$", "$2000000$"),
    "PBKDF2, Django": DJANGO.replace("$1000$", "$2000000$"),
    "PBKDF2, PHC": pbkdf2_of_phc("sha256", size=32).replace("i=1000", "i=2000000"),
    "scrypt": scrypt_of_phc().replace("ln=10,r=8,p=1", "ln=17,r=8,p=2"),
    "scrypt, lanes": scrypt_of_phc().replace("ln=10,r=8,p=1", "ln=15,r=8,p=8"),
    "scrypt, blocks": scrypt_of_phc().replace("ln=10,r=8,p=1", "ln=10,r=1024,p=2"),
    "scrypt, Django": scrypt_of_django().replace("$1024$", "$131072$").replace("$8$1$", "$8$2$"),
    "bcrypt, WordPress": WORDPRESS.replace("$04$", "$13$"),
    "bcrypt, passlib": BCRYPT_SHA256.replace("r=4", "r=14"),
    "Firebase": FIREBASE.replace("n=10,r=8,p=1", "n=17,r=8,p=2"),
    "wrapped": WRAPPED.replace("m=8,t=1,p=1", "m=262144,t=4,p=8"),
    "phpass": PHPASS.replace("$P$5", "$P$G"),
    "sha256-crypt": SHA256_CRYPT.replace("=1000$", "=1000000$"),
}
"""By name, a hash of the highest cost."""


@pytest.mark.parametrize("text", LARGEST.values(), ids=LARGEST)
def test_a_cost_may_be_as_high_as_its_bound(text: str) -> None:
    assert parse_password_hash(text, OF_FIREBASE) in SCHEMES


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


@pytest.mark.parametrize(
    ("rules", "text", "reason"),
    [
        (PLAIN_RULES, "", "which no login can verify without the project's signer key"),
        (PLAIN_RULES, ",sk=AAAA", "holds the project's signer key"),
        (OF_FIREBASE, ",sk=AAAA", "holds the project's signer key"),
    ],
)
def test_a_hash_of_firebase_is_taken_where_the_signer_key_is_and_never_with_it(
    rules: HashRules, text: str, reason: str
) -> None:
    assert reason in refusal(FIREBASE.replace("ss=Bw==", f"ss=Bw=={text}"), rules)


def test_a_long_string_is_refused_by_its_length_alone() -> None:
    assert refusal(ARGON2.replace("m=8", "m=" + "8" * 512)) == "should have at most 512 characters"


@given(st.text(alphabet="$,=.:/+*{}abcdefABCDEF0123456789mtpirln_-x\n", max_size=200))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(PasswordHashError):
        assert parse_password_hash(text, OF_FIREBASE) in SCHEMES


@given(st.data())
def test_whatever_is_changed_in_a_hash_what_is_accepted_then_can_be_verified(data: st.DataObject) -> None:
    """No accepted string makes a verifier fail or warn. Its costs may be other ones, but the cheap ones are tried."""
    example = data.draw(st.sampled_from([each for name, each in EXAMPLES.items() if "most lanes" not in name]))
    at = data.draw(st.integers(0, len(example.text)))
    taken = data.draw(st.integers(0, 2))
    put = data.draw(st.text(alphabet="$,=./+09AZaz12", max_size=2))
    changed = example.text[:at] + put + example.text[at + taken :]
    with suppress(PasswordHashError):
        parse_password_hash(changed, example.rules)
        if _is_cheap(changed):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert isinstance(example.verify(PASSWORD, changed), bool)


def _is_cheap(text: str) -> bool:
    """Whether a hash takes milliseconds: its numbers are about as small as those of the examples."""
    numbers = re.findall(r"(?<=[=$])[0-9]+(?=[,$])", text)
    return all(int(each) <= 5000 for each in numbers) and not re.search(
        r"t=[0-9]{2}|\$2[aby]\$(?!0[4-6])|2[ab],(?![4-6]\$)|r=[0-9]{2}\$|n=1[1-9]|\$[PH]\$(?![5-9])", text
    )
