"""The alerts ask for metrics that exist."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
import yaml
from prometheus_client import generate_latest

from notifier.metrics import NotifierMetrics
from schemas.protocol.steps.delivering import EndpointState
from tests.deploy.test_compose import ROOT

RULES: Final[list[dict[str, Any]]] = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())[
    "groups"
][0]["rules"]


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_asks_for_metrics_that_the_shim_or_the_notifier_has(rule: dict[str, Any], scrape: str) -> None:
    notifier = NotifierMetrics()
    notifier.states({"crm": EndpointState(1, 1.0, 1)})
    exposed = scrape + generate_latest(notifier.registry).decode()
    asked = re.findall(r"\bintake_\w+", rule["expr"])
    assert asked
    for name in asked:
        assert re.search(rf"^{name}[ {{]", exposed, re.MULTILINE), name


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_waits_says_whom_to_wake_and_why(rule: dict[str, Any]) -> None:
    assert rule["for"]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
