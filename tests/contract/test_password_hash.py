"""A signup may bring a hash that another system made, with the scope for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from passlib.hash import pbkdf2_sha256

from tests.contract.service import an_email
from tests.support.requests import a_request, as_body, without

if TYPE_CHECKING:
    import httpx

    from tests.contract.service import Service

PASSWORD = "a password of the old system"
HASH = pbkdf2_sha256.using(rounds=1000).hash(PASSWORD)


def an_import(**changes: Any) -> dict[str, Any]:
    return {**without(a_request(email=an_email()), "password"), "passwordHash": HASH, **changes}


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
def test_what_may_not_be_imported_is_told_without_its_value(
    service: Service, changes: dict[str, Any], field: str, message: str
) -> None:
    answer = sent(service, an_import(**changes)).json()
    assert answer["error"] == "validation_error"
    (fault,) = answer["data"]["errors"]
    assert fault["field"] == field
    assert message in fault["message"]
    assert str(changes.get("passwordHash", HASH)) not in str(answer) or changes.get("passwordHash") == 7


def test_neither_password_nor_hash_is_told_as_a_missing_password(service: Service) -> None:
    answer = sent(service, without(an_import(firstName=""), "passwordHash")).json()
    assert [each["field"] for each in answer["data"]["errors"]] == ["password", "firstName"]
