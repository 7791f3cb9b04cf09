"""Grafana can show the dashboards, and each of their links leads to a heading of the runbook."""

from __future__ import annotations

import itertools
import re
from typing import Any, Final

import pytest

from tests.deploy.monitoring.dashboards import DASHBOARDS, PANELS, Panel
from tests.deploy.monitoring.expressions import parsed, selectors
from tests.deploy.test_operations import table_rows
from tests.house.documents import ROOT, anchors

DATA_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
RUNBOOK: Final = anchors(ROOT / "docs" / "operations.md")
GRID_COLUMNS: Final = 24
"""Grafana's grid is so wide."""

each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
each_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)


def test_there_is_one_for_whoever_is_paged_and_one_for_whoever_plans() -> None:
    assert set(DASHBOARDS) == {"on-call", "capacity"}


def test_each_dashboard_has_an_address_of_its_own() -> None:
    assert {dashboard["uid"] for dashboard in DASHBOARDS.values()} == {f"intake-{name}" for name in DASHBOARDS}


@each_dashboard
def test_a_panel_has_an_id_and_a_title_of_its_own(dashboard: dict[str, Any]) -> None:
    for key in ("id", "title"):
        values = [panel[key] for panel in dashboard["panels"]]
        assert len(set(values)) == len(values)


@each_dashboard
def test_no_panel_covers_another_and_none_leaves_the_grid(dashboard: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in dashboard["panels"]]

    for place in places:
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= GRID_COLUMNS
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or apart, (one, other)


def test_each_metric_of_the_documents_is_on_a_dashboard() -> None:
    shown = {
        re.sub(r"_(?:bucket|sum|count)$", "", selector.name)
        for panel in PANELS
        for target in panel.json["targets"]
        for selector in selectors(target["expr"])
    }

    assert shown == set(re.findall(r"`(intake_\w+)`", table_rows("Metrics")))


@each_dashboard
def test_the_operator_chooses_the_data_source_and_where_the_runbook_is(dashboard: dict[str, Any]) -> None:
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}

    assert {name: each["type"] for name, each in variables.items()} == {
        "datasource": "datasource",
        "runbook": "textbox",
    }
    assert variables["datasource"]["query"] == "prometheus"


@each_dashboard
def test_a_dashboard_leads_to_the_runbook_and_to_the_other_dashboard(dashboard: dict[str, Any]) -> None:
    runbook, other = (link["url"] for link in dashboard["links"])

    assert _anchor(runbook) in RUNBOOK
    assert {other, f"/d/{dashboard['uid']}"} == {f"/d/{each['uid']}" for each in DASHBOARDS.values()}


@each_panel
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: Panel) -> None:
    assert panel.json["title"].strip()
    assert panel.json["description"].endswith(".")
    assert panel.json["fieldConfig"]["defaults"]["unit"]


@each_panel
def test_a_panel_asks_the_chosen_data_source_what_is_promql(panel: Panel) -> None:
    assert panel.json["datasource"] == DATA_SOURCE
    references = [target["refId"] for target in panel.json["targets"]]
    assert references
    assert len(set(references)) == len(references)
    for target in panel.json["targets"]:
        assert target["datasource"] == DATA_SOURCE
        assert parsed(target["expr"])


@each_panel
def test_the_links_of_a_panel_lead_to_headings_of_the_runbook(panel: Panel) -> None:
    assert panel.json["links"]
    for link in panel.json["links"]:
        assert _anchor(link["url"]) in RUNBOOK
        assert link["title"]


@each_panel
def test_a_state_has_a_word_beside_its_colour(panel: Panel) -> None:
    if panel.json["type"] == "state-timeline":
        (mapping,) = panel.json["fieldConfig"]["defaults"]["mappings"]
        assert set(mapping["options"]) == {"0", "1"}
        assert all(option["text"] for option in mapping["options"].values())


def _anchor(url: str) -> str:
    """The heading that a link leads to, wherever the runbook is."""
    found = re.fullmatch(r"\$\{runbook:raw\}#([\w-]+)", url)
    assert found, url
    return found[1]
