"""A hash may be imported if a login can verify it."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.password_hashes.parsing import PLAIN_RULES, HashRules, parse_password_hash
from schemas.password_hashes.refusals import PasswordHashError
from tests.schemas.password_hashes.examples import (
    EXAMPLES,
    OF_FIREBASE,
    PASSWORD,
    Example,
    scrypt_by_hashlib,
)
from tests.schemas.password_hashes.refusing import ARGON2, FIREBASE, refusal

SCHEMES: Final = {example.scheme for example in EXAMPLES.values()}


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
