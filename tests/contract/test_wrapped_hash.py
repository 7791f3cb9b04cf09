"""A service that is set to do so takes fast hashes and stores them wrapped, and takes Firebase's with its key."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from schemas.password_hashes.digests import computed
from schemas.password_hashes.wrapped import read_wrapped
from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import Service, an_email
from tests.schemas.password_hashes.examples import PASSWORD, SIGNER_KEY, firebase_hash
from tests.support.requests import an_import, as_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Starter

IMPORTERS = "customer:create customer:import"
"""The scopes of a caller that may import hashes."""


@pytest.fixture(scope="module")
def service(module_env: Environment, start_module_shim: Starter, start_module_worker: Starter) -> Iterator[Service]:
    worker = start_module_worker(
        module_env,
        INTAKE_WRAP_FAST_HASHES="true",
        INTAKE_FIREBASE_SIGNER_KEY=base64.b64encode(SIGNER_KEY).decode(),
    )
    running = Service(start_module_shim(module_env), worker)
    yield running
    running.http.close()


def md5(text: str) -> str:
    return hashlib.new("md5", text.encode(), usedforsecurity=False).hexdigest()


def stored_of(service: Service, email: str) -> dict[str, Any]:
    (stored,) = [each for each in service.customers() if each["email"] == email]
    return stored


def can_log_in(stored: str, password: str) -> bool:
    parts = read_wrapped(stored)
    assert parts is not None
    return PasswordHasher().verify(parts.argon2, computed(parts.steps, password.encode()))


def test_a_fast_hash_of_a_signup_is_stored_wrapped_with_its_scheme(service: Service) -> None:
    email, digest = an_email(), md5("pepper" + PASSWORD)
    headers = {"prefer": "wait=20", **service.bearer(scope=IMPORTERS)}
    answer = service.post(as_body(an_import(f"md5$pepper${digest}", email=email)), headers)
    assert answer.json()["ok"] is True
    stored = stored_of(service, email)
    assert stored["password_hash"].startswith("$wrapped$md5,b=cGVwcGVy$argon2id$v=19$")
    assert stored["password_scheme"] == "argon2id+md5"
    assert can_log_in(stored["password_hash"], PASSWORD)
    assert digest not in str(service.customers())


def test_rows_of_a_batch_are_wrapped_and_the_same_batch_again_makes_nothing_twice(service: Service) -> None:
    client = BatchClient(service, sub=an_email(), scope=IMPORTERS)
    passwords = {an_email(): secrets.token_hex(8) for _ in range(3)}
    rows = [as_body(an_import(md5(password), email=email)) for email, password in passwords.items()]
    again = as_body(an_import(md5("another"), email=next(iter(passwords))))
    body = lines(*rows, a_row(), again)

    assert client.done(body, name="a-file")["outcomes"] == {"created": 4, "duplicate_key": 1}

    for email, password in passwords.items():
        stored = stored_of(service, email)
        assert stored["password_hash"].startswith("$wrapped$md5$argon2id$")
        assert can_log_in(stored["password_hash"], password)
    everything = str(service.customers())
    assert not [password for password in passwords.values() if md5(password) in everything]
    before = service.customers()
    assert client.done(body, name="a-file")["outcomes"] == {"repeated": 4, "duplicate_key": 1}
    assert service.customers() == before


def test_a_fast_hash_that_does_not_tell_how_it_was_made_stays_refused(service: Service) -> None:
    headers = {"prefer": "wait=20", **service.bearer(scope=IMPORTERS)}
    answer = service.post(as_body(an_import(f"{md5('x')}:salt", email=an_email())), headers).json()
    (fault,) = answer["data"]["errors"]
    assert fault["field"] == "passwordHash"
    assert "not of a form that the service can wrap" in fault["message"]


def test_a_validated_row_with_a_fast_hash_is_valid_and_nothing_is_stored(service: Service) -> None:
    client = BatchClient(service, sub=an_email(), scope=IMPORTERS)
    before = service.customers()
    row = as_body(an_import(md5("x"), email=an_email()))
    assert client.done(lines(row), name="a-file", mode="validate")["outcomes"] == {"valid": 1}
    assert service.customers() == before


def test_a_hash_of_firebase_is_stored_as_it_came_and_only_where_it_fits_the_key(service: Service) -> None:
    client = BatchClient(service, sub=an_email(), scope=IMPORTERS)
    email, text = an_email(), firebase_hash()
    short = f"{text.rpartition('$')[0]}${base64.b64encode(bytes(32)).decode()}"
    rows = [
        as_body(an_import(text, email=email)),
        as_body(an_import(short, email=an_email())),
        as_body(an_import(text.replace("ss=Bw==", "ss=Bw==,sk=QUJD"), email=an_email())),
    ]
    summary = client.done(lines(*rows), name="a-file")
    assert summary["outcomes"] == {"created": 1, "validation_error": 2}
    messages = [each["data"]["errors"][0]["message"] for each in client.rows_of(summary["id"])[1:]]
    assert ["not written as one" in messages[0], "sk=" in messages[1]] == [True, True]
    stored = stored_of(service, email)
    assert (stored["password_hash"], stored["password_scheme"]) == (text, "firebase-scrypt")
