"""Strings that are nearly hashes: nothing raises, and nothing costs a login more than the bounds."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from passwords import FirebaseKey, verify
from passwords.cost import TEST_PROFILE
from schemas.password_hashes.encodings import CRYPT_ALPHABET
from schemas.password_hashes.fast_hashes import read_fast_hash
from schemas.password_hashes.parsing import HashRules, parse_password_hash
from schemas.password_hashes.refusals import PasswordHashError
from tests.passwords.vectors import FIREBASE, FIREBASE_VECTORS, VECTORS

MIB: Final = 1 << 20
STORED: Final = sorted(
    [vector.stored for vector in VECTORS.values()]
    + [vector.stored for _, vector in FIREBASE_VECTORS.values()]
    + ["$wrapped$md5,b=c2FsdA:sha256" + VECTORS["GoTrue, argon2id"].stored]
)
"""What the near misses are made of. Sorted, so that each process has the same."""

NUMBERS: Final = ["0", "1", "-1", "+1", "07", "4", "8", "14", "15", "16", "17", "18", "31", "32", "99", "1000", "1024"]
LARGE: Final = [str(1 << place) for place in (16, 18, 20, 21, 31, 32, 63, 64)] + ["1000000", "2000001", "9" * 30]


class Cost(NamedTuple):
    """What a hash costs a login, read from its text without the parsers."""

    memory_bytes: int
    share_of_the_most: float
    """Of the work that the bounds allow. About a second where it is 1."""


def cost_of(text: str) -> Cost:
    """The cost of a hash that was accepted."""
    numbers = {name: int(digits) for name, digits in re.findall(r"[$,](m|t|p|n|ln|r|i)=(\d+)", text)}
    if "argon2" in text:
        return Cost(1024 * numbers["m"], numbers["m"] * numbers["t"] / (1 << 20))
    if "bcrypt" in text or re.match(r"(\$wp)?\$2", text):
        rounds = re.search(r",r=(\d+)|\$2\w,(\d+)|\$2\w\$(\d+)", text)
        assert rounds is not None
        spellings = 2 if text.startswith("$wp") else 1
        return Cost(MIB, spellings * 2.0 ** (int(next(filter(None, rounds.groups()))) - 14))
    if "scrypt" in text:
        if text.startswith("scrypt$"):
            n, r, p = (int(text.split("$")[place]) for place in (1, 3, 4))
        else:
            n, r, p = 1 << numbers.get("ln", numbers.get("n", 0)), numbers["r"], numbers["p"]
        return Cost(128 * n * r, 128 * n * r * p / (256 * MIB))
    if "pbkdf2" in text:
        rounds = re.search(r"\$(?:i=)?(\d+)", text.removeprefix("$"))
        assert rounds is not None
        return Cost(MIB, int(rounds[1]) / 2_000_000)
    if text[:3] in {"$5$", "$6$"}:
        rounds = re.search(r"\$rounds=(\d+)\$", text)
        return Cost(MIB, int(rounds[1]) / 1_000_000 if rounds else 0.005)
    is_phpass = text[:3] in {"$P$", "$H$"}
    return Cost(MIB, 2.0 ** (CRYPT_ALPHABET.index(text[3]) - 18) if is_phpass else 0.0)


@st.composite
def near_misses(draw: st.DrawFn) -> str:
    """A hash with some things changed that an attacker, or an accident, may change."""
    text = draw(st.sampled_from(STORED))
    for _ in range(draw(st.integers(0, 3))):
        text = draw(st.sampled_from([_with_another_number, _with_another_piece, _cut, _doubled]))(draw, text)
    return text


def _with_another_number(draw: st.DrawFn, text: str) -> str:
    places = [number.span() for number in re.finditer(r"\d+", text)][:6]
    start, end = draw(st.sampled_from(places or [(0, 0)]))
    return text[:start] + draw(st.sampled_from(NUMBERS + LARGE)) + text[end:]


def _with_another_piece(draw: st.DrawFn, text: str) -> str:
    place = draw(st.integers(0, len(text)))
    piece = draw(st.sampled_from(["", "$", "=", ",", ":", ".", "/", "\n", "\0", "é", "\ud800", "٣", " ", "$$"]))
    return text[:place] + piece + text[place + draw(st.integers(0, 3)) :]


def _cut(draw: st.DrawFn, text: str) -> str:
    start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return draw(st.sampled_from([text[:end], text[start:], text[start:end]]))


def _doubled(draw: st.DrawFn, text: str) -> str:
    start = draw(st.integers(0, len(text)))
    return text[:start] + text[draw(st.integers(0, start)) :]


def is_accepted(text: str) -> bool:
    """Whether a login hashes anything for this string."""
    try:
        parse_password_hash(text, HashRules(signer_key_bytes=len(FIREBASE.signer_key)))
    except PasswordHashError:
        return read_fast_hash(text) is not None
    return True


@settings(derandomize=True, deadline=None, max_examples=800)
@given(near_misses())
def test_what_is_accepted_costs_at_most_the_bounds(text: str) -> None:
    if is_accepted(text):
        memory_bytes, share_of_the_most = cost_of(text)
        assert memory_bytes <= 256 * MIB
        assert share_of_the_most <= 1


@settings(derandomize=True, deadline=None, max_examples=500)
@given(near_misses(), st.sampled_from([None, FIREBASE]))
def test_no_string_raises(text: str, firebase: FirebaseKey | None) -> None:
    if is_accepted(text) and cost_of(text).share_of_the_most > 0.01:
        return  # it would take long
    # The password is not one of the vectors, so nothing may be taken for it.
    assert verify("no such password", text, cost=TEST_PROFILE, firebase=firebase) == (False, None)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.text(), st.one_of(st.none(), st.text()))
def test_no_password_raises(password: str, stored: str | None) -> None:
    assert verify(password, stored, cost=TEST_PROFILE) == (False, None)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.text(st.characters()) | st.text("\0\ud800a ", max_size=5))
def test_no_password_raises_with_a_hash(password: str) -> None:
    for product in ("GoTrue, argon2i", "phpass", "Django, SHA-1", "sha256-crypt, a long password"):
        assert verify(password, VECTORS[product].stored, cost=TEST_PROFILE) == (False, None)
