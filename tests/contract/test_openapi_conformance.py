"""The service answers as its OpenAPI document says, also to requests that schemathesis makes up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, Phase, settings
from jsonschema import Draft202012Validator
from schemathesis import openapi, serializer
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.batch_client import NDJSON, BatchClient, a_row, lines
from tests.contract.service import an_email
from tests.support.requests import a_full_request, a_request, as_body

if TYPE_CHECKING:
    from schemathesis import Case

    from tests.contract.service import Service

_DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "openapi.json"
_CHECKS: Final = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
schema = openapi.from_path(_DOCUMENT)


@serializer(NDJSON)
def _as_it_is(_context: object, text: Any) -> bytes:
    """Take bodies of this type as text."""
    return str(text).encode("utf-8", "surrogatepass")


_BOUNDED: Final = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schema.parametrize()
@_BOUNDED
def test_every_answer_is_as_the_document_describes(case: Case[Any], service: Service) -> None:
    # Each request has another caller, so that the document's example of an idempotency key is a new key.
    response = case.call(base_url=service.shim.url, headers=service.bearer(sub=an_email()), timeout=90)

    case.validate_response(response, checks=_CHECKS)


@schema.include(path_regex="customer.create$", method="POST").parametrize()
@_BOUNDED
def test_every_outcome_is_as_the_document_describes(case: Case[Any], service: Service) -> None:
    headers = {**service.bearer(sub=an_email()), "prefer": "wait=20"}
    response = case.call(base_url=service.shim.url, headers=headers, timeout=90)

    assert response.status_code != 202
    case.validate_response(response, checks=_CHECKS)


@schema.include(path_regex="customer.create.result$", method="GET").parametrize()
@settings(_BOUNDED, max_examples=1, phases=[Phase.generate])
def test_every_result_is_as_the_document_describes(case: Case[Any], service: Service) -> None:
    documents = [a_full_request(email=an_email()), a_full_request(email="no email"), a_request(password=1)]
    for document in documents:
        case.query = {"id": service.post(as_body(document)).json()["task"]["id"], "wait": 20}
        response = case.call(base_url=service.shim.url, headers=service.bearer())

        assert response.status_code == 200
        case.validate_response(response, checks=_CHECKS)


@schema.include(path_regex="customer.create.batch(.result)?$").parametrize()
@settings(_BOUNDED, max_examples=1, phases=[Phase.generate])
def test_every_answer_about_a_batch_is_as_the_document_describes(case: Case[Any], service: Service) -> None:
    batch_id = BatchClient(service).done(lines(a_row(), b"no JSON"))["id"]
    if case.path.endswith("batch"):
        case.body, case.query = lines(a_row(), a_row()).decode(), {}
        case.headers.clear()
        case.headers["prefer"] = "wait=20"
    elif case.method == "GET":
        case.query = {"id": batch_id, "wait": 20}
    else:
        case.body = {"id": batch_id, "wait": 20}
    response = case.call(base_url=service.shim.url, headers=service.bearer())

    assert response.status_code == 200
    case.validate_response(response, checks=_CHECKS)


def test_every_line_of_rows_is_as_the_document_describes(service: Service) -> None:
    twice = an_email()
    good = [as_body(a_full_request(email=twice)), a_row(), a_row()]
    bad = [a_row(email=twice), b"no JSON", a_row(email="no email"), as_body(a_full_request(email=an_email(), tags=[1]))]
    client = BatchClient(service, sub=an_email())
    batch_ids = [client.done(lines(*good, *bad), name="again")["id"] for _ in range(2)]
    batch_ids.append(client.done(lines(a_row()), mode="validate")["id"])
    document = json.loads(_DOCUMENT.read_text())
    row = Draft202012Validator({"$ref": "#/components/schemas/BatchRow", "components": document["components"]})

    told = [each for batch_id in batch_ids for each in client.rows_of(batch_id)]

    assert len(told) == 15
    assert {each.get("error") for each in told} >= {"duplicate_key", "validation_error", "customer_invalid_email"}
    for each in told:
        row.validate(each)
