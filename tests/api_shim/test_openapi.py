"""The description of the interface is valid, is the committed one, and its examples are what it describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api_shim.openapi import openapi_document

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_document_is_valid_openapi() -> None:
    validate(openapi_document())


def test_the_committed_file_is_what_the_shim_serves() -> None:
    assert json.loads(COMMITTED.read_text()) == openapi_document(), "run `make openapi` and commit docs/openapi.json"


def _examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    for path, operations in openapi_document()["paths"].items():
        for method, operation in operations.items():
            contents = [("request", operation.get("requestBody", {}))]
            contents += list(operation["responses"].items())
            for status, holder in contents:
                content = holder.get("content", {}).get("application/json", {})
                if "example" in content:
                    yield f"{method} {path} {status}", content["schema"], content["example"]
                for name, example in content.get("examples", {}).items():
                    yield f"{method} {path} {status} {name}", content["schema"], example["value"]


@pytest.mark.parametrize(("schema", "example"), [pytest.param(*rest, id=name) for name, *rest in _examples()])
def test_every_example_satisfies_its_own_schema(schema: dict[str, Any], example: object) -> None:
    whole = {**schema, "components": openapi_document()["components"]}
    Draft202012Validator(whole).validate(example)
