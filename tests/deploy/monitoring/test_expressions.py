"""Each metric and label of a dashboard or an alert was there in a real run, and each panel had something to show."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from local_stack.ports import free_port
from local_stack.process import ManagedProcess
from startup.broker.redis_requirements import Severity
from tests.deploy.monitoring.dashboards import EXPRESSIONS, PANELS, SHOWN
from tests.deploy.monitoring.expressions import labels_left, selectors, without_variables
from tests.deploy.monitoring.recording import LAST_SCRAPE_AT, Recording
from tests.deploy.test_operations import table_rows
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.deploy.monitoring.dashboards import Panel

VALUES_NOT_MET: Final = {"severity": {str(each) for each in Severity}}
"""Values of labels that a matcher may exclude although the run has none of them."""

PROMETHEUS: Final = shutil.which("prometheus")

each_expression = pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
each_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)


def test_the_runbook_describes_every_metric_and_no_other(recording: Recording) -> None:
    assert set(re.findall(r"`(intake_\w+)`", table_rows("Metrics"))) == recording.metrics


@each_expression
def test_an_expression_selects_series_that_the_run_had(expression: str, recording: Recording) -> None:
    selected = selectors(expression)

    assert selected
    for selector in selected:
        series = recording.series(selector.name)
        assert series, f"no process exposes {selector.name}"
        assert any(map(selector.matches, series)), f"{selector.name} never had such labels"


@each_expression
def test_an_expression_names_labels_that_the_series_have(expression: str, recording: Recording) -> None:
    for selector in selectors(expression):
        series = recording.series(selector.name)
        for label in selector.grouped_by | {label for label, _, _ in selector.matchers}:
            assert any(label in labels for labels in series), f"{selector.name} has no label {label}"


@each_expression
def test_what_an_expression_excludes_is_a_value_that_there_is(expression: str, recording: Recording) -> None:
    for selector in selectors(expression):
        for label, operator, value in selector.matchers:
            if operator.startswith("!"):
                met = {labels.get(label, "") for labels in recording.series(selector.name)}
                met |= VALUES_NOT_MET.get(label, set())
                assert any(re.fullmatch(value, each) for each in met), f"{label} is never {value}"


@each_panel
def test_the_lines_of_a_panel_can_be_told_apart(panel: Panel) -> None:
    legends = [target["legendFormat"] for target in panel.json["targets"]]

    assert len(set(legends)) == len(legends)
    for target in panel.json["targets"]:
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) == labels_left(target["expr"])


@pytest.fixture(scope="module")
def prometheus(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A Prometheus that has the recorded run."""
    if PROMETHEUS is None:
        assert not os.environ.get("CI"), "CI has to have Prometheus: see .ci/run"
        pytest.skip("there is no Prometheus here (Debian: apt-get install prometheus)")
    folder: Path = tmp_path_factory.mktemp("prometheus")
    (folder / "run.txt").write_text(recording.open_metrics())
    (folder / "prometheus.yml").write_text("")
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "run.txt", folder / "data"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    port = free_port()
    command = [
        PROMETHEUS,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    process = ManagedProcess("prometheus", command, log_path=folder / "output.log")
    process.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        wait_until(lambda: _ready(client), timeout=30, what="Prometheus is ready")
        yield client
    process.kill()


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("expression", SHOWN.values(), ids=SHOWN)
def test_an_expression_has_something_to_show(expression: str, prometheus: httpx.Client) -> None:
    query = {"query": without_variables(expression), "time": str(LAST_SCRAPE_AT)}
    answer: dict[str, Any] = prometheus.get("/api/v1/query", params=query).raise_for_status().json()

    values = [float(series["value"][1]) for series in answer["data"]["result"]]
    assert values
    assert all(map(math.isfinite, values))
