"""`customer.create`: which requests are accepted, which calls wait, and the documented response and errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.service import CREATE, PREFIXES, RESULT, an_email
from tests.support.requests import a_full_address, a_full_request, a_request, an_address, as_body, without

if TYPE_CHECKING:
    import httpx

    from tests.contract.service import Service

_ID: Final = re.compile(r"[0-9A-Za-z_-]{8,40}")


def _without_ids(answer: Any) -> Any:
    customer = without(answer["customer"], "id")
    return {**answer, "customer": {**customer, "addresses": [without(each, "id") for each in customer["addresses"]]}}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_answer_to_an_accepted_request_says_where_its_outcome_will_be(service: Service, prefix: str) -> None:
    response = service.post(as_body(a_request(email=an_email())), path=f"{prefix}/customer/v1/customer.create")

    answer = response.json()
    assert response.status_code == 202
    assert answer == {"ok": True, "task": {"id": answer["task"]["id"], "status": "PENDING"}}
    assert _ID.fullmatch(answer["task"]["id"])
    location = f"{prefix}/customer/v1/customer.create.result?id={answer['task']['id']}"
    assert response.headers["location"] == location
    assert int(response.headers["retry-after"]) > 0
    assert response.headers["vary"] == "Prefer"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    assert "preference-applied" not in response.headers
    assert service.get(f"{location}&wait=20").json()["ok"] is True


def test_a_request_that_waits_gets_the_documented_response(service: Service) -> None:
    email = an_email()

    response = service.post(as_body(a_full_request(email=email)), {"prefer": "wait=20"})

    answer = response.json()
    assert response.status_code == 200
    assert response.headers["preference-applied"] == "wait=20"
    assert response.headers["vary"] == "Prefer"
    assert response.headers["cache-control"] == "no-store"
    assert _without_ids(answer) == {
        "ok": True,
        "customer": without(a_full_request(email=email), "password"),
    }
    assert list(answer["customer"]) == ["email", "firstName", "lastName", "status", "tags", "addresses", "id"]
    ids = [answer["customer"]["id"], *(each["id"] for each in answer["customer"]["addresses"])]
    assert all(_ID.fullmatch(one) for one in ids)


def test_arguments_that_were_not_sent_are_empty_or_left_out(service: Service) -> None:
    email = an_email()

    answer = service.outcome(a_request(email=email, addresses=[an_address()]))

    assert _without_ids(answer)["customer"] == {
        "email": email,
        "firstName": "John",
        "lastName": "Doe",
        "status": "ACTIVE",
        "tags": [],
        "addresses": [an_address()],
    }
    assert service.outcome(a_request(email=an_email()))["customer"]["addresses"] == []


_AS_SENT: Final[dict[str, dict[str, Any]]] = {
    "spaces around": {"firstName": "  John ", "lastName": "\tDoe\n"},
    "no normal form": {"firstName": "Zoe\u0308", "lastName": "\u212bngstr\u00f6m"},
    "beyond the plane": {"firstName": "\U0001f600", "tags": ["\U00020000", ""]},
    "inactive": {"status": "INACTIVE"},
    "the longest text": {"firstName": "x" * 1024, "password": "p" * 1024},
    "most tags": {"tags": [""] * 1000},
    "most addresses": {"addresses": [an_address()] * 50},
    "lines": {"addresses": [an_address(address_2=["Number 10", ""]), an_address(address_2=[])]},
    "empty options": {"addresses": [an_address(address_2="", company="", instructions="", lastName="")]},
    "phones": {"addresses": [an_address(phone=0), an_address(phone=999_999_999_999_999)]},
    "operators as text": {"firstName": "$gt", "lastName": "{$ne: 1}", "tags": ["$where"]},
    "markup": {"firstName": "<script>", "lastName": "'; DROP TABLE --"},
}


@pytest.mark.parametrize("changes", _AS_SENT.values(), ids=_AS_SENT.keys())
def test_every_accepted_text_comes_back_character_for_character(service: Service, changes: dict[str, Any]) -> None:
    answer = service.outcome(a_request(email=an_email(), **changes))

    expected = without(changes, "password")
    assert {name: _without_ids(answer)["customer"][name] for name in expected} == expected


def test_an_email_keeps_its_local_part_and_its_domain_is_normalised(service: Service) -> None:
    local = an_email().partition("@")[0]

    answer = service.outcome(a_request(email=f"John.{local}@BÜCHER.Example.COM"))

    assert answer["customer"]["email"] == f"John.{local}@bücher.example.com"


_FAULTY_COUNTRY: Final = [an_address(), an_address(country="XX")]


def test_every_fault_of_the_form_is_told(service: Service) -> None:
    document = {"email": 1, "lastName": "", "addresses": [without(a_full_address(phone="1"), "city")], "colour": "red"}

    response = service.post(as_body(document), {"prefer": "wait=20"})

    assert response.status_code == 200
    answer = response.json()
    assert (answer["ok"], answer["error"]) == (False, "validation_error")
    assert {fault["field"] for fault in answer["data"]["errors"]} == {
        "email",
        "password",
        "firstName",
        "lastName",
        "addresses.0.phone",
        "addresses.0.city",
        "colour",
    }


@pytest.mark.parametrize("password", ["", " ", "canary-in-a-list", 12345678])
def test_a_faulty_password_is_not_repeated(service: Service, password: Any) -> None:
    document = a_request(password=[password] if password == "canary-in-a-list" else password)

    response = service.post(as_body(document), {"prefer": "wait=20"})

    assert [fault["field"] for fault in response.json()["data"]["errors"]] == ["password"]
    assert "canary" not in response.text
    assert "12345678" not in response.text


def test_a_validation_error_comes_before_every_other_error(service: Service) -> None:
    document = a_request(email="no email", lastName=1, addresses=_FAULTY_COUNTRY)

    answer = service.outcome(document)

    assert answer["error"] == "validation_error"
    assert [fault["field"] for fault in answer["data"]["errors"]] == ["lastName"]


def test_an_invalid_email_comes_before_an_invalid_country(service: Service) -> None:
    answer = service.outcome(a_request(email="no email", addresses=_FAULTY_COUNTRY))

    assert answer == {"ok": False, "error": "customer_invalid_email", "data": {"email": "no email"}}


def test_an_invalid_country_comes_before_a_duplicate_email(service: Service) -> None:
    email = an_email()
    assert service.outcome(a_request(email=email))["ok"] is True

    answer = service.outcome(a_request(email=email, addresses=_FAULTY_COUNTRY))

    assert answer == {
        "ok": False,
        "error": "address_contry_invalid",
        "data": {"address": "XX", "field": "addresses.1.country"},
    }


def test_a_duplicate_email_is_told_with_the_index(service: Service) -> None:
    email = an_email()
    assert service.outcome(a_request(email=email))["ok"] is True

    answer = service.outcome(a_request(email=email, firstName="Other"))

    assert answer == {"ok": False, "error": "duplicate_key", "data": {"index": "email", "key": {"email": email}}}


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=20", "wait=20"),
        ("respond-async, wait=20", "wait=20"),
        ('WAIT="20"', "wait=20"),
        ("wait = 20; strict", "wait=20"),
        ("wait=20, wait=0", "wait=20"),
        ("wait=100", "wait=60"),
        ('foo="a, wait=0", wait=20', "wait=20"),
        ('foo; bar="a, b", wait=20', "wait=20"),
        ('foo="a\\", wait=0", wait=20', "wait=20"),
        ('wait=20; foo="a, b"', "wait=20"),
        ("handling=lenient,,wait=20", "wait=20"),
    ],
)
def test_a_wait_is_read_as_rfc_7240_says(service: Service, prefer: str, applied: str) -> None:
    response = service.create({"prefer": prefer})

    assert (response.status_code, response.headers.get("preference-applied")) == (200, applied)


@pytest.mark.parametrize(
    "prefer",
    ["respond-async", "wait", "wait=", "wait=-1", "wait=1.5", "wait=ten", "waits=20", "wait 20", "=20", '"', ""],
)
def test_a_preference_that_is_unknown_or_malformed_is_ignored(service: Service, prefer: str) -> None:
    response = service.create({"prefer": prefer})

    assert response.status_code == 202
    assert "preference-applied" not in response.headers


def test_a_call_whose_wait_is_too_short_gets_202(without_worker: Service) -> None:
    response = without_worker.create({"prefer": "wait=1"})

    assert response.status_code == 202
    assert response.json()["task"]["status"] == "PENDING"
    assert response.elapsed.total_seconds() >= 1
    assert "preference-applied" not in response.headers


def _repeat(service: Service, key: str, document: Any, **claims: Any) -> httpx.Response:
    return service.post(as_body(document), {"idempotency-key": key, **service.bearer(**claims)})


def test_a_repeat_gets_the_first_calls_task_and_makes_no_second_customer(service: Service) -> None:
    document = a_request(email=an_email())
    first = _repeat(service, "repeat-1", document)
    outcome = service.result(first.json()["task"]["id"]).json()
    customers = len(service.customers())

    again = _repeat(service, "repeat-1", document)
    quoted = _repeat(service, '"repeat-1"', document)
    waiting = service.post(as_body(document), {"idempotency-key": "repeat-1", "prefer": "wait=20"})

    assert {each.json()["task"]["id"] for each in (first, again, quoted)} == {first.json()["task"]["id"]}
    assert (again.status_code, quoted.status_code) == (202, 202)
    assert (waiting.status_code, waiting.json()) == (200, outcome)
    assert outcome["ok"] is True
    assert len(service.customers()) == customers


def test_a_key_with_another_body_gets_422(service: Service) -> None:
    document = a_request(email=an_email())
    _repeat(service, "reused", document)

    response = _repeat(service, "reused", document | {"firstName": "Other"})

    assert (response.status_code, response.json()) == (422, {"ok": False, "error": "idempotency_key_reused"})


def test_a_key_belongs_to_its_caller(service: Service) -> None:
    mine = _repeat(service, "shared", a_request(email=an_email()))
    theirs = _repeat(service, "shared", a_request(email=an_email()), sub="someone else")

    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["task"]["id"] != theirs.json()["task"]["id"]


@pytest.mark.parametrize("key", ["x" * 255, '"' + "x" * 255 + '"', '"a\\"b\\\\c"', "a,b;c=d", "8e03978e-40d5-43e8"])
def test_an_idempotency_key_of_visible_ascii_is_taken(service: Service, key: str) -> None:
    response = service.create({"idempotency-key": key, **service.bearer(sub=an_email())})

    assert response.status_code == 202


@pytest.mark.parametrize("key", ["x" * 256, '""', '"a', "a b", '"a b"', '"\\x"', '"a"b"'])
def test_any_other_idempotency_key_gets_400(service: Service, key: str) -> None:
    response = service.create({"idempotency-key": key})

    assert (response.status_code, response.json()["error"]) == (400, "validation_error")
    assert [fault["field"] for fault in response.json()["data"]["errors"]] == ["Idempotency-Key"]


def test_the_same_request_without_a_key_is_another_task(service: Service) -> None:
    document = a_request(email=an_email())

    answers = [service.outcome(document) for _ in range(2)]

    assert [answer["ok"] for answer in answers] == [True, False]
    assert answers[1]["error"] == "duplicate_key"


@pytest.mark.parametrize("path", [CREATE, RESULT])
def test_no_answer_of_a_method_may_be_cached(service: Service, path: str) -> None:
    for response in (service.post(b"{", path=path), service.post(b"{", {"authorization": ""}, path=path)):
        assert response.headers["cache-control"] == "no-store"
