"""The example request stands in one file. The README shows the very same text, and no other file repeats it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from schemas.customer import CustomerRequest, parse_customer_request
from schemas.example import EXAMPLE_TEXT, example_address, example_request
from schemas.password_hashes.field import PASSWORD_HASH
from tests.support.requests import without

ROOT: Final = Path(__file__).resolve().parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")

SHOW_IT: Final = {"README.md", "api_shim/interface/openapi.json", "schemas/example.py"}
"""The README is compared here. `make openapi` makes the document from the example, and another test compares it."""

SUFFIXES: Final = {".py", ".md", ".json", ".yml", ".toml", ".conf", ".html"}
MADE: Final = {"build", "dist", "__pycache__"}
"""Folders that are made, not written, and may hold copies."""


def test_it_is_a_valid_request_that_uses_every_documented_field() -> None:
    parsed = parse_customer_request(example_request())
    assert without(dict(parsed), "password") == without(example_request(), "password")
    assert {*example_request(), PASSWORD_HASH} == set(CustomerRequest.__annotations__)


def test_the_readmes_curl_sends_it() -> None:
    assert re.findall(r"  -d '(\{.+?\})'\n", README, re.DOTALL) == [EXAMPLE_TEXT]


def test_the_response_in_the_readme_is_the_answer_to_it() -> None:
    (text,) = re.findall(r'^\{"ok": true, "customer": .+?^```$', README, re.DOTALL | re.MULTILINE)
    answer: dict[str, Any] = json.loads(text.removesuffix("```"))
    customer = answer["customer"]
    (address,) = customer["addresses"]
    assert without(customer, "id", "addresses") == without(example_request(), "password", "addresses")
    assert without(address, "id") == example_address()


def test_no_other_file_repeats_it() -> None:
    marks = [example_request()["email"], example_request()["password"], example_address()["address_1"]]
    repeating = [name for name, text in _texts() if any(mark in text for mark in marks)]
    assert sorted(repeating) == sorted(SHOW_IT)


def _texts() -> list[tuple[str, str]]:
    """Path and text of each file of the project that a person may have written."""
    paths = [path for top in ROOT.iterdir() if top.name[0] != "." for path in (top, *top.rglob("*"))]
    return [
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace"))
        for path in paths
        if path.is_file() and path.suffix in SUFFIXES and not MADE & set(path.relative_to(ROOT).parts)
    ]
