"""The service answers as its OpenAPI document says, also to requests that schemathesis makes up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft202012Validator
from schemathesis import openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.batch_client import BATCH, NDJSON, BatchClient, a_row, lines
from tests.contract.service import CREATE, RESULT, an_email
from tests.support.requests import a_full_request, a_request, as_body

if TYPE_CHECKING:
    from schemathesis import BaseSchema

    from tests.contract.service import Service

_HOOKS: Final = "tests.support.made_up_requests"
"""The module that schemathesis' command loads. It is not imported here, where it would change each call as well."""

_ROOT: Final = Path(__file__).parents[2]
_DOCUMENT: Final = _ROOT / "api_shim" / "interface" / "openapi.json"
_CHECKS: Final = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


def _make_up_requests(service: Service, folder: Path, *options: str, **variables: str) -> None:
    """Send requests that schemathesis makes up, and judge each answer by the document.

    Its command does that in a process of its own. Its plugin of pytest makes requests up where tests are collected,
    which each process of a run does.
    """
    checks = [*(each.__name__ for each in _CHECKS), "awaited_outcome"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(_DOCUMENT), "--url", service.shim.url),
            *("--phases", "examples,coverage,fuzzing", "--checks", ",".join(checks)),
            *("--max-examples", "10", "--generation-deterministic"),
            *("--request-timeout", "90", "--no-color", *options),
        ],
        # It is a developers' package, so it does not run as deployed processes do.
        env={**os.environ, **service.environment, **variables, "PYTHONPATH": str(_ROOT), "SCHEMATHESIS_HOOKS": _HOOKS},
        # It leaves a folder behind where it runs.
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_answer_is_as_the_document_describes(service: Service, tmp_path: Path) -> None:
    _make_up_requests(service, tmp_path)


@pytest.mark.slow
def test_every_outcome_is_as_the_document_describes(service: Service, tmp_path: Path) -> None:
    _make_up_requests(service, tmp_path, "--include-name", f"POST {CREATE}", TEST_AWAITED="1")


@pytest.fixture(scope="module")
def document() -> BaseSchema:
    """The OpenAPI document."""
    return openapi.from_path(_DOCUMENT)


@pytest.mark.parametrize(
    "request_", [a_full_request(email=an_email()), a_full_request(email="no email"), a_request(password=1)]
)
def test_every_result_is_as_the_document_describes(
    document: BaseSchema, service: Service, request_: dict[str, Any]
) -> None:
    task_id = service.post(as_body(request_)).json()["task"]["id"]
    case = document[RESULT]["GET"].Case(query={"id": task_id, "wait": 20})

    response = case.call(base_url=service.shim.url, headers=service.bearer())

    assert response.status_code == 200
    case.validate_response(response, checks=_CHECKS)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_result_of_a_batch_is_as_the_document_describes(
    document: BaseSchema, service: Service, method: str
) -> None:
    batch_id = BatchClient(service).done(lines(a_row(), b"no JSON"))["id"]
    operation, asked = document[f"{BATCH}.result"][method], {"id": batch_id, "wait": 20}
    case = operation.Case(query=asked) if method == "GET" else operation.Case(body=asked, media_type="application/json")

    response = case.call(base_url=service.shim.url, headers=service.bearer())

    assert response.status_code == 200
    case.validate_response(response, checks=_CHECKS)


def test_the_answer_to_a_batch_whose_end_was_awaited_is_as_the_document_describes(
    document: BaseSchema, service: Service
) -> None:
    case = document[BATCH]["POST"].Case()
    headers = {"content-type": NDJSON, "prefer": "wait=20", **service.bearer()}

    response = case.call(base_url=service.shim.url, headers=headers, data=lines(a_row(), a_row()))

    assert response.status_code == 200
    case.validate_response(response, checks=_CHECKS)


@pytest.mark.slow
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
