"""A signup may bring a hash that another system made, with the scope for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from passlib.hash import pbkdf2_sha256

from tests.contract.batch_client import BatchClient, a_row, lines
from tests.contract.service import an_email
from tests.support import requests
from tests.support.requests import a_password_hash, a_request, as_body, without

if TYPE_CHECKING:
    import httpx

    from tests.contract.service import Service

PASSWORD = "a password of the old system"
HASH = pbkdf2_sha256.using(rounds=1000).hash(PASSWORD)


def an_import(**changes: Any) -> dict[str, Any]:
    return requests.an_import(HASH, **{"email": an_email(), **changes})


def sent(
    service: Service, document: dict[str, Any], *, scope: str = "customer:create customer:import"
) -> httpx.Response:
    return service.post(as_body(document), {"prefer": "wait=20", **service.bearer(scope=scope)})


def test_a_hash_is_stored_as_it_came_and_a_login_can_verify_it(service: Service) -> None:
    request = an_import()
    answer = sent(service, request)
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    assert "ash" not in answer.text.replace(request["email"], "")
    (stored,) = [each for each in service.customers() if each["email"] == request["email"]]
    assert (stored["password_hash"], stored["password_scheme"]) == (HASH, "pbkdf2-sha256")
    assert pbkdf2_sha256.verify(PASSWORD, stored["password_hash"])


def test_every_customer_s_document_says_how_its_hash_was_made(service: Service) -> None:
    email = an_email()
    sent(service, a_request(email=email))
    (stored,) = [each for each in service.customers() if each["email"] == email]
    assert stored["password_scheme"] == "argon2id"


@pytest.mark.parametrize("scope", ["customer:create", "api", "customer:create api"])
def test_without_the_scope_nothing_is_queued(service: Service, scope: str) -> None:
    service.wait_until_idle()
    before = service.tasks()
    answer = sent(service, an_import(), scope=scope)
    assert answer.status_code == 403
    assert answer.json() == {"ok": False, "error": "insufficient_scope"}
    assert 'scope="customer:import"' in answer.headers["www-authenticate"]
    assert service.tasks() == before


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"password": "also a password"}, "passwordHash", "must not stand beside password"),
        ({"passwordHash": "5f4dcc3b5aa765d61d8327deb882cf99"}, "passwordHash", "fast hash"),
        ({"passwordHash": HASH.replace("$1000$", "$9000000$")}, "passwordHash", "cost"),
        ({"passwordHash": HASH[:-3]}, "passwordHash", "not written as one"),
        ({"passwordHash": "secret word"}, "passwordHash", "no hash"),
        ({"passwordHash": 7}, "passwordHash", "string"),
    ],
)
def test_the_refusal_of_a_hash_does_not_repeat_the_hash(
    service: Service, changes: dict[str, Any], field: str, message: str
) -> None:
    answer = sent(service, an_import(**changes)).json()
    assert answer["error"] == "validation_error"
    (fault,) = answer["data"]["errors"]
    assert fault["field"] == field
    assert message in fault["message"]
    assert str(changes.get("passwordHash", HASH)) not in str(answer) or changes.get("passwordHash") == 7


def test_a_signup_with_neither_password_nor_hash_lacks_a_password(service: Service) -> None:
    answer = sent(service, without(an_import(firstName=""), "passwordHash")).json()
    assert [each["field"] for each in answer["data"]["errors"]] == ["password", "firstName"]


def test_a_signup_with_a_hash_may_be_repeated_with_its_idempotency_key(service: Service) -> None:
    headers = {"idempotency-key": an_email(), **service.bearer(scope="customer:create customer:import")}
    body = as_body(an_import())
    first, second = (service.post(body, headers).json()["task"]["id"] for _ in range(2))
    assert first == second


def test_the_scope_to_import_alone_does_not_let_a_caller_create(service: Service) -> None:
    answer = sent(service, an_import(), scope="customer:import")
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert 'scope="customer:create"' in answer.headers["www-authenticate"]


def test_rows_of_a_batch_bring_hashes_with_the_scope_for_it(service: Service) -> None:
    client = BatchClient(service, sub=an_email(), scope="customer:create customer:import")
    hashes = {an_email(): a_password_hash() for _ in range(3)}
    body = lines(*(as_body(an_import(email=email, passwordHash=each)) for email, each in hashes.items()), a_row())

    summary = client.done(body, name="a-file")

    assert summary["outcomes"] == {"created": 4}
    stored = {each["email"]: each for each in service.customers()}
    assert {email: stored[email]["password_hash"] for email in hashes} == hashes
    assert {stored[email]["password_scheme"] for email in hashes} == {"pbkdf2-sha256"}
    assert "pbkdf2" not in str(client.rows_of(summary["id"]))
    assert client.done(body, name="a-file")["outcomes"] == {"repeated": 4}


@pytest.mark.parametrize("mode", ["create", "validate"])
def test_without_the_scope_a_row_with_a_hash_is_refused_and_the_other_rows_go_on(service: Service, mode: str) -> None:
    client = BatchClient(service, sub=an_email())
    body = lines(as_body(an_import(firstName="")), a_row())

    summary = client.done(body, name="a-file", mode=mode)

    refused, other = client.rows_of(summary["id"])
    assert refused["data"]["errors"] == [
        {"field": "passwordHash", "message": "needs a token with the scope customer:import"},
        {"field": "firstName", "message": "String should have at least 1 character"},
    ]
    assert other["ok"] is True


def test_a_caller_that_gets_the_scope_later_may_repeat_the_call(service: Service) -> None:
    body = lines(as_body(an_import()), a_row())
    sub = an_email()

    before = BatchClient(service, sub=sub).done(body, name="a-file")
    after = BatchClient(service, sub=sub, scope="customer:create customer:import").done(body, name="a-file")

    assert before["outcomes"] == {"validation_error": 1, "created": 1}
    assert after["outcomes"] == {"created": 1, "repeated": 1}
