"""The alerts ask for metrics that exist."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
import yaml

from tests.deploy.test_compose import ROOT

RULES: Final[list[dict[str, Any]]] = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())[
    "groups"
][0]["rules"]


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_asks_for_metrics_that_the_shim_has(rule: dict[str, Any], scrape: str) -> None:
    asked = re.findall(r"\bintake_\w+", rule["expr"])
    assert asked
    for name in asked:
        assert re.search(rf"^{name}[ {{]", scrape, re.MULTILINE), name


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_waits_says_whom_to_wake_and_why(rule: dict[str, Any]) -> None:
    assert rule["for"]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
