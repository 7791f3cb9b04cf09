"""docs/operations.md describes every log line and alert, and no others; `monitoring` has the test of its metrics."""

from __future__ import annotations

import re
from typing import Final

import pytest

from edge.answers.refusals import Reason
from edge.tokens.faults import TokenFault
from tests.deploy.test_alerts import RULES
from tests.deploy.test_compose import ROOT

TEXT: Final = (ROOT / "docs" / "operations.md").read_text()
SOURCES: Final = "".join(
    path.read_text()
    for folder in ("api_shim", "worker", "notifier", "console", "edge", "startup")
    for path in (ROOT / folder).rglob("*.py")
)


def table_rows(heading: str) -> str:
    """The first cells of the tables under a heading."""
    section = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return "\n".join(re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE))


def test_the_table_of_log_lines_has_every_event_and_no_other() -> None:
    logged = set(re.findall(r"\b(?:log\.(?:info|warning|error|exception)|write)\(\s*\"(\w+)\"", SOURCES))
    assert set(re.findall(r"`(\w+)`", table_rows("Log lines"))) == logged


def test_every_reason_of_a_refused_token_is_explained() -> None:
    assert set(re.findall(r"`(\w+)`", table_rows("Refused tokens"))) == {str(fault) for fault in TokenFault}


@pytest.mark.parametrize("alert", [rule["alert"] for rule in RULES])
def test_every_alert_has_a_section_that_says_what_to_do(alert: str) -> None:
    assert f"\n### {alert}\n" in TEXT


def test_every_reason_to_turn_a_client_away_is_explained_and_no_other() -> None:
    assert set(re.findall(r"`(\w+)`", table_rows("Who is turned away"))) == {reason.value for reason in Reason}


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    reasons = set(re.findall(r"^PARKED_\w+: Final = \"(\w+)\"", SOURCES, re.MULTILINE))
    assert reasons
    assert all(f"| `{reason}` |" in TEXT for reason in reasons)
