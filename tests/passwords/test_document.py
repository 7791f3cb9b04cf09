"""The example of a login in docs/password-hashes.md is a login."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from pymongo import MongoClient

from tests.passwords.vectors import VECTORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from pymongo.collection import Collection

    Customers: TypeAlias = Collection[dict[str, Any]]
    LogIn: TypeAlias = Callable[[Customers, str, str], dict[str, Any] | None]

SECTION: Final = (Path(__file__).parents[2] / "docs" / "password-hashes.md").read_text().split("\n## The login\n")[1]


@pytest.fixture
def log_in() -> LogIn:
    """The function of the example."""
    names: dict[str, Any] = {}
    example = re.search(r"```python\n(.*?)```", SECTION, re.DOTALL)
    assert example is not None
    exec(example[1], names)  # noqa: S102 - it is our own document
    function: LogIn = names["log_in"]
    return function


@pytest.fixture
def customers(isolated_env: Mapping[str, str]) -> Iterator[Customers]:
    """With one customer, whose password another system hashed."""
    with MongoClient[dict[str, Any]](isolated_env["INTAKE_MONGODB_URI"]) as client:
        collection = client[isolated_env["INTAKE_MONGODB_DATABASE"]]["customers"]
        vector = VECTORS["Django, SHA-1"]
        collection.insert_one(
            {"_id": "c1", "email_key": "john@example.com", "password_hash": vector.stored, "password_scheme": "sha1"}
        )
        yield collection


def test_a_customer_logs_in_and_has_argon2id_from_then_on(
    log_in: LogIn,
    customers: Customers,
) -> None:
    for _ in range(2):
        customer = log_in(customers, "john@example.com", "lètmein")
        assert customer is not None
        assert customer["_id"] == "c1"
    stored = customers.find_one({"_id": "c1"})
    assert stored is not None
    assert stored["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert stored["password_scheme"] == "argon2id"


def test_nobody_else_logs_in(
    log_in: LogIn,
    customers: Customers,
) -> None:
    assert log_in(customers, "john@example.com", "letmein") is None
    assert log_in(customers, "jane@example.com", "lètmein") is None
    stored = customers.find_one({"_id": "c1"})
    assert stored is not None
    assert stored["password_hash"] == VECTORS["Django, SHA-1"].stored


@pytest.mark.parametrize("name", ["cost", "firebase"])
def test_the_document_has_a_line_for_every_argument(name: str) -> None:
    assert f"| `{name}` |" in SECTION
