"""A customer of WordPress can log in with the hash that the database holds."""

from __future__ import annotations

import pytest

from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.hashes.wordpress import translate
from tests.cli.hashes.digits import hexadecimal


@pytest.mark.parametrize("beginning", ["$wp$2y$10$", "$P$B", "$H$9", "$2y$10$", "$argon2id$v=19$"])
def test_what_the_service_takes_stays_as_it_is(beginning: str) -> None:
    assert translate(f"{beginning}abc\n") == f"{beginning}abc"


def test_md5_is_written_as_a_digest() -> None:
    made = hexadecimal("md5", "correct horse")
    assert translate(made) == f"$digest$md5${made}"


@pytest.mark.parametrize("text", ["", "*", "*0"])
def test_a_hash_that_no_password_fits_is_no_password(text: str) -> None:
    with pytest.raises(NoPasswordError):
        translate(text)


@pytest.mark.parametrize("text", ["hunter2", "$generic$abc", "f" * 40, "$wp$P$B"])
def test_others_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(ForeignHashError) as refused:
        translate(text)
    assert "hunter2" not in str(refused.value)
