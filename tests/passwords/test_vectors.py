"""A login verifies what other products and specifications publish as hashes of known passwords."""

from __future__ import annotations

import pytest

from passwords import FirebaseKey, verify
from passwords.cost import TEST_PROFILE
from tests.passwords.vectors import FIREBASE, FIREBASE_VECTORS, VECTORS, Vector
from tests.schemas.password_hashes.examples import EXAMPLES, PASSWORD, SIGNER_KEY

each_vector = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
each_vector_of_firebase = pytest.mark.parametrize(("key", "vector"), FIREBASE_VECTORS.values(), ids=FIREBASE_VECTORS)


@each_vector
def test_the_published_password_is_right_and_gets_a_replacement(vector: Vector) -> None:
    ok, replacement = verify(vector.password, vector.stored, cost=TEST_PROFILE)
    assert ok
    assert replacement is not None
    assert replacement.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert verify(vector.password, replacement, cost=TEST_PROFILE) == (True, None)


@each_vector
def test_another_password_is_wrong(vector: Vector) -> None:
    assert verify("X" + vector.password[1:], vector.stored, cost=TEST_PROFILE) == (False, None)


@each_vector
def test_a_digest_with_another_digit_is_wrong(vector: Vector) -> None:
    # The sixth digit from the end has no unused bits in any encoding, and is no padding.
    place = len(vector.stored) - 6
    changed = vector.stored[:place] + ("a" if vector.stored[place] != "a" else "b") + vector.stored[place + 1 :]
    assert verify(vector.password, changed, cost=TEST_PROFILE) == (False, None)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_spelling_that_the_service_takes_is_verified(name: str) -> None:
    firebase = FirebaseKey(SIGNER_KEY)
    assert verify(PASSWORD, EXAMPLES[name].text, cost=TEST_PROFILE, firebase=firebase).ok
    assert verify(PASSWORD + "x", EXAMPLES[name].text, cost=TEST_PROFILE, firebase=firebase) == (False, None)


@each_vector_of_firebase
def test_the_published_password_of_firebase_is_right(key: FirebaseKey, vector: Vector) -> None:
    ok, replacement = verify(vector.password, vector.stored, cost=TEST_PROFILE, firebase=key)
    assert ok
    assert replacement is not None
    assert replacement.startswith("$argon2id$")
    assert verify(vector.password + "x", vector.stored, cost=TEST_PROFILE, firebase=key) == (False, None)


@each_vector_of_firebase
@pytest.mark.parametrize(
    "other",
    [None, FirebaseKey(bytes(64)), FirebaseKey(b""), FirebaseKey(FIREBASE.signer_key[:-1])],
    ids=["no key", "another key", "an empty key", "a key that was cut off"],
)
def test_without_the_key_of_its_project_no_password_of_firebase_is_right(
    key: FirebaseKey, vector: Vector, other: FirebaseKey | None
) -> None:
    assert other != key
    assert verify(vector.password, vector.stored, cost=TEST_PROFILE, firebase=other) == (False, None)
