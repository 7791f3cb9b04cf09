"""The OpenAPI document is valid and committed, and its examples are as it describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api_shim.interface.documents import openapi_document
from api_shim.interface.openapi import build_openapi
from api_shim.settings import DEFAULT_PREFIX
from schemas.customer import parse_customer_request

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT: Final = build_openapi()
CREATE: Final = "/services/customer/v1/customer.create"
RESULT: Final = "/services/customer/v1/customer.create.result"


def _operation(path: str, method: str) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][path][method]
    return operation


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    """The part itself, or the part that it refers to."""
    if "$ref" not in part:
        return part
    resolved: dict[str, Any] = DOCUMENT
    for step in part["$ref"].removeprefix("#/").split("/"):
        resolved = resolved[step]
    return resolved


def _contents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            parts = {"request": operation.get("requestBody", {}), **operation["responses"]}
            for status, part in parts.items():
                content = _resolved(part).get("content", {}).get("application/json")
                if content is not None:
                    yield f"{method} {path} {status}", content


def _examples() -> Iterator[Any]:
    for place, content in _contents():
        for name, example in content.get("examples", {}).items():
            yield pytest.param(content["schema"], example["value"], id=f"{place} {name}")


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_the_shim_serves_the_document_that_is_committed() -> None:
    assert openapi_document(prefix=DEFAULT_PREFIX) == DOCUMENT, "run `make openapi` and commit what it wrote"


@pytest.mark.parametrize(("schema", "example"), list(_examples()))
def test_every_example_satisfies_its_own_schema(schema: dict[str, Any], example: object) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    Draft202012Validator(whole).validate(example)


def test_every_json_answer_of_the_methods_has_an_example() -> None:
    bare = [place for place, content in _contents() if "/customer/" in place and not content.get("examples")]
    assert bare == []


@pytest.mark.parametrize(
    "example", _operation(CREATE, "post")["requestBody"]["content"]["application/json"]["examples"]
)
def test_every_example_of_a_request_is_accepted(example: str) -> None:
    examples = _operation(CREATE, "post")["requestBody"]["content"]["application/json"]["examples"]
    parse_customer_request(examples[example]["value"])


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        (CREATE, "post", "200 202 400 401 403 405 408 413 415 422 429 500 503"),
        (RESULT, "get", "200 202 400 401 404 405 500 503"),
        (RESULT, "post", "200 202 400 401 404 405 408 413 415 500 503"),
        ("/healthz", "get", "200 405 500 503"),
        ("/readyz", "get", "200 405 500 503"),
    ],
)
def test_every_status_of_the_contract_is_described(path: str, method: str, statuses: str) -> None:
    assert sorted(_operation(path, method)["responses"]) == statuses.split()


def test_an_outcome_is_the_customer_or_one_of_the_four_documented_errors() -> None:
    outcome = DOCUMENT["components"]["schemas"]["Outcome"]["oneOf"]
    errors = [_resolved(part)["properties"].get("error", {}).get("const") for part in outcome]
    assert errors == [
        None,
        "duplicate_key",
        "validation_error",
        "customer_invalid_email",
        "address_contry_invalid",
    ]
    examples = _operation(CREATE, "post")["responses"]["200"]["content"]["application/json"]["examples"]
    assert [example["value"].get("error") for example in examples.values()] == errors


@pytest.mark.parametrize(
    ("path", "method", "status", "headers"),
    [
        (CREATE, "post", "200", "preference-applied vary"),
        (CREATE, "post", "202", "location retry-after vary"),
        (CREATE, "post", "401", "www-authenticate"),
        (CREATE, "post", "405", "allow"),
        (CREATE, "post", "429", "retry-after"),
        (CREATE, "post", "503", "retry-after"),
        (RESULT, "get", "202", "retry-after"),
        (RESULT, "post", "200", ""),
    ],
)
def test_the_headers_of_an_answer_are_described(path: str, method: str, status: str, headers: str) -> None:
    described = _resolved(_operation(path, method)["responses"][status])["headers"]
    assert set(described) == {"x-request-id", *headers.split()}
    assert all(_resolved(header)["required"] for header in described.values())


def test_every_object_of_an_answer_allows_no_further_fields() -> None:
    """If a field such as a password's hash leaks into an answer, the conformance tests must fail."""
    open_objects = [
        name
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False
    ]
    assert open_objects == []


@pytest.mark.parametrize(
    ("key", "good"),
    [
        ("signup-1", True),
        ('"signup-1"', True),
        ('"with \\" and \\\\"', False),  # A space is not visible.
        ('"with\\"and\\\\"', True),
        ("x" * 255, True),
        ("x" * 256, False),
        ("", False),
        ('""', False),
        ('"open', False),
    ],
)
def test_the_idempotency_key_is_described_as_it_is_read(key: str, good: bool) -> None:
    header = next(part for part in _operation(CREATE, "post")["parameters"] if part.get("name") == "Idempotency-Key")
    assert Draft202012Validator(header["schema"]).is_valid(key) is good


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_prefix_is_a_setting(prefix: str) -> None:
    paths = openapi_document(prefix=prefix)["paths"]
    assert f"{prefix}/customer/v1/customer.create" in paths
    assert "/healthz" in paths
