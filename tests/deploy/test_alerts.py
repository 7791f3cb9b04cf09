"""What the alerts say. `monitoring` holds what they ask for against a real run."""

from __future__ import annotations

from typing import Any, Final

import pytest
import yaml

from tests.deploy.test_compose import ROOT

RULES: Final[list[dict[str, Any]]] = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())[
    "groups"
][0]["rules"]


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_waits_says_whom_to_wake_and_why(rule: dict[str, Any]) -> None:
    assert rule["for"]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
