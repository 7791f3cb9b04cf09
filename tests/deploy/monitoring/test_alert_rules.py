"""Prometheus takes the alert rules, and each of them fires when it should and stays quiet when it should."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any, Final

import pytest
import yaml

from tests.deploy.monitoring.dashboards import ALERTS, RULES_FILE
from tests.house.documents import ROOT

PROMTOOL: Final = shutil.which("promtool")
CASES_FILE: Final = ROOT / "tests" / "deploy" / "monitoring" / "alerts_test.yml"
CASES: Final[list[dict[str, Any]]] = [
    case for test in yaml.safe_load(CASES_FILE.read_text())["tests"] for case in test["alert_rule_test"]
]


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_quiet(alert: str) -> None:
    assert {bool(case["exp_alerts"]) for case in CASES if case["alertname"] == alert} == {True, False}


@pytest.mark.parametrize(
    "arguments", [("check", "rules", "--lint-fatal", RULES_FILE), ("test", "rules", CASES_FILE)], ids=["check", "test"]
)
def test_prometheus_takes_the_rules_and_each_case_comes_out(arguments: tuple[object, ...]) -> None:
    if PROMTOOL is None:
        assert not os.environ.get("CI"), "CI has to have promtool: see .ci/run"
        pytest.skip("there is no promtool here (Debian: apt-get install prometheus)")

    done = subprocess.run([PROMTOOL, *map(str, arguments)], capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
