"""One email makes one customer, and one idempotency key makes one task, however many calls come at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from tests.contract.service import CREATE, an_email
from tests.support.requests import a_request, as_body

if TYPE_CHECKING:
    from tests.contract.service import Service

_AT_ONCE: Final = 50


def test_of_fifty_concurrent_creates_of_one_email_exactly_one_succeeds(service: Service) -> None:
    email = an_email()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(
            pool.map(lambda n: service.outcome(a_request(email=email, firstName=f"Nr {n}")), range(_AT_ONCE))
        )

    winners = [answer for answer in answers if answer["ok"]]
    assert len(winners) == 1
    duplicate = {"ok": False, "error": "duplicate_key", "data": {"index": "email", "key": {"email": email}}}
    assert [answer for answer in answers if not answer["ok"]] == [duplicate] * (_AT_ONCE - 1)
    stored = [customer for customer in service.customers() if customer["email"] == email]
    assert [customer["_id"] for customer in stored] == [winners[0]["customer"]["id"]]


def test_fifty_concurrent_posts_with_one_key_are_one_task_and_one_customer(service: Service) -> None:
    email = an_email()
    body = as_body(a_request(email=email))
    tasks = service.tasks()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda _: service.post(body, {"idempotency-key": email}), range(_AT_ONCE)))

    ids = {response.json()["task"]["id"] for response in answers}
    assert {response.status_code for response in answers} == {202}
    assert len(ids) == 1
    assert service.tasks() == tasks + 1
    assert service.result(ids.pop()).json()["ok"] is True
    assert len([customer for customer in service.customers() if customer["email"] == email]) == 1


def test_fifty_concurrent_posts_with_one_key_that_wait_get_the_same_answer(service: Service) -> None:
    body = as_body(a_request(email=an_email()))
    headers = {"idempotency-key": an_email(), "prefer": "wait=20"}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda _: service.post(body, headers), range(_AT_ONCE)))

    assert {response.status_code for response in answers} == {200}
    assert len({response.text for response in answers}) == 1
    assert answers[0].json()["ok"] is True


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("john.{}@example.com", "JOHN.{}@EXAMPLE.COM"),
        ("john.{}@example.com", "john.{}@Example.Com"),
        ("zoë.{}@example.com", "zoe\u0308.{}@example.com"),
        ("zoë.{}@example.com", "ZOË.{}@example.com"),
        ("zoë.{}@example.com", "ZOE\u0308.{}@example.com"),
        ("straße.{}@example.com", "STRASSE.{}@example.com"),
        ("σίσυφος.{}@example.com", "ΣΊΣΥΦΟΣ.{}@example.com"),
        ("{}@bücher.example.com", "{}@xn--bcher-kva.example.com"),
        ("{}@bücher.example.com", "{}@BÜCHER.example.com"),
        ("{}@bücher.example.com", "{}@XN--BCHER-KVA.example.com"),
        ("{}@bücher.example.com", "{}@bu\u0308cher.example.com"),
        ("{}@例え.example.com", "{}@xn--r8jz45g.example.com"),
        ("{}@example.com", "{}@example\u3002com"),
        ("{}@example.com", "{}@\uff45xample.com"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
def test_another_spelling_of_the_same_email_is_a_duplicate(
    service: Service, first: str, second: str, *, turned: bool
) -> None:
    local = an_email().partition("@")[0]
    emails = [second.format(local), first.format(local)] if turned else [first.format(local), second.format(local)]
    assert service.outcome(a_request(email=emails[0]))["ok"] is True

    answer = service.outcome(a_request(email=emails[1]))

    assert (answer["ok"], answer["error"], answer["data"]["index"]) == (False, "duplicate_key", "email")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("john.{}@example.com", "john{}@example.com"),
        ("john.{}@example.com", "john.{}+tag@example.com"),
        ("john.{}@example.com", "john.{}@example.org"),
        ("zoë.{}@example.com", "zoe.{}@example.com"),
        ("{}@bücher.example.com", "{}@bucher.example.com"),
    ],
)
def test_emails_that_differ_otherwise_make_two_customers(service: Service, first: str, second: str) -> None:
    local = an_email().partition("@")[0]

    answers = [service.outcome(a_request(email=email.format(local))) for email in (first, second)]

    assert [answer["ok"] for answer in answers] == [True, True]


def test_an_idempotency_key_is_the_same_under_both_paths(service: Service) -> None:
    body = as_body(a_request(email=an_email()))
    key = {"idempotency-key": an_email()}

    answers = [service.post(body, key, path=path).json() for path in (CREATE, "/customer/v1/customer.create")]

    assert answers[0]["task"]["id"] == answers[1]["task"]["id"]
