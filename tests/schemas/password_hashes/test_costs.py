"""A hash's costs have bounds, so that no login takes a time that hurts."""

from __future__ import annotations

import re
from typing import Final

import pytest

from schemas.password_hashes.parsing import parse_password_hash
from tests.schemas.password_hashes.examples import (
    EXAMPLES,
    OF_FIREBASE,
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
    PHPASS,
    SHA256_CRYPT,
    SHA512_CRYPT,
    WORDPRESS,
    WRAPPED,
    refusal,
)

SCHEMES: Final = {example.scheme for example in EXAMPLES.values()}

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
