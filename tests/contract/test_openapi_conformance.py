"""What the service answers is what its OpenAPI document says, for requests that schemathesis makes up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, Phase, settings
from schemathesis import openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

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
def test_every_answer_is_one_that_the_document_describes(case: Case[Any], service: Service) -> None:
    # Each time as another caller: the document's example of an idempotency key is then a new key.
    response = case.call(base_url=service.shim.url, headers=service.bearer(sub=an_email()), timeout=90)

    case.validate_response(response, checks=_CHECKS)


@schema.include(path_regex="customer.create$", method="POST").parametrize()
@_BOUNDED
def test_every_outcome_is_one_that_the_document_describes(case: Case[Any], service: Service) -> None:
    headers = {**service.bearer(sub=an_email()), "prefer": "wait=20"}
    response = case.call(base_url=service.shim.url, headers=headers, timeout=90)

    assert response.status_code != 202
    case.validate_response(response, checks=_CHECKS)


@schema.include(path_regex="customer.create.result$", method="GET").parametrize()
@settings(_BOUNDED, max_examples=1, phases=[Phase.generate])
def test_what_is_read_back_is_what_the_document_describes(case: Case[Any], service: Service) -> None:
    documents = [a_full_request(email=an_email()), a_full_request(email="no email"), a_request(password=1)]
    for document in documents:
        case.query = {"id": service.post(as_body(document)).json()["task"]["id"], "wait": 20}
        response = case.call(base_url=service.shim.url, headers=service.bearer())

        assert response.status_code == 200
        case.validate_response(response, checks=_CHECKS)
