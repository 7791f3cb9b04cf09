"""docs/password-hashes.md names what the parsers accept and what a refusal says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from schemas.password_hashes import refusals
from tests.schemas.password_hashes.examples import EXAMPLES

DOCUMENT: Final = (Path(__file__).parents[3] / "docs" / "password-hashes.md").read_text()


def test_it_has_a_line_for_every_scheme() -> None:
    accepted = DOCUMENT.partition("## What is accepted")[2].partition("## What is refused")[0]
    cells = " ".join(re.findall(r"^\| (`[^|]+`) \|", accepted, re.MULTILINE))
    assert set(re.findall(r"`([^`]+)`", cells)) - {"password_scheme"} == {each.scheme for each in EXAMPLES.values()}


@pytest.mark.parametrize(
    "name", ["FAST", "MALFORMED", "NO_SIGNER_KEY", "PREFIXED", "SIGNER_KEY_INSIDE", "UNKNOWN", "UNWRAPPABLE"]
)
def test_it_has_a_line_for_every_reason(name: str) -> None:
    reasons = [reason.strip() for reason in re.findall(r"^\| (.*?) …? ?\|", DOCUMENT, re.MULTILINE)]
    assert any(getattr(refusals, name).startswith(reason) for reason in reasons if reason)
