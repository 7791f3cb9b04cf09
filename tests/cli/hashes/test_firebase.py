"""A user of a Firebase project can log in where the login has the project's signer key."""

from __future__ import annotations

import pytest

from cli.importing.hashes.firebase import HashParameters, translate
from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError

HASH = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
"""Of `user1password`, published in the readme of firebase/scrypt."""
SALT = "42xEC+ixf3L2lw=="


def test_hash_and_salt_become_one_string_without_the_signer_key() -> None:
    assert translate(HASH, SALT) == f"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==${SALT}${HASH}"


def test_base64_for_addresses_is_read_too() -> None:
    """Firebase's API writes `_` and `-`, and leaves the padding out."""
    written = HASH.replace("/", "_").replace("+", "-").rstrip("=")
    assert translate(written, "42xEC-ixf3L2lw") == translate(HASH, SALT)


def test_a_project_may_have_other_parameters() -> None:
    made = translate(HASH, SALT, HashParameters(memory_cost=12, rounds=4, salt_separator=b"ab"))
    assert made.startswith("$fbscrypt$v=1,n=12,r=4,p=1,ss=YWI=$")


def test_who_signs_in_elsewhere_has_no_password() -> None:
    with pytest.raises(NoPasswordError):
        translate("", "")


@pytest.mark.parametrize(("made", "salt"), [(HASH, ""), ("(hunter2)", SALT), (HASH, "(hunter2)")])
def test_what_is_not_whole_is_refused_without_repeating_it(made: str, salt: str) -> None:
    with pytest.raises(ForeignHashError) as refused:
        translate(made, salt)
    assert "hunter2" not in str(refused.value)
