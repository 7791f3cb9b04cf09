"""The dashboards, the alert rules and what workers are scaled by: all that asks Prometheus something."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.house.documents import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES_FILE: Final = ROOT / "deploy" / "prometheus" / "alerts.yml"
"""The alert rules."""

DASHBOARDS: Final[dict[str, dict[str, Any]]] = {
    path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "deploy" / "grafana").glob("*.json"))
}
"""Each dashboard by the name of its file."""


@dataclass(frozen=True)
class Panel:
    """A panel of a dashboard, in Grafana's classic JSON."""

    dashboard: str
    json: dict[str, Any]

    @property
    def name(self) -> str:
        """For people: which panel of which dashboard."""
        return f"{self.dashboard}: {self.json['title']}"


def _panels() -> Iterator[Panel]:
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            if panel["type"] != "row":
                yield Panel(name, panel)


PANELS: Final = list(_panels())
"""Every panel that shows something."""

ALERTS: Final[dict[str, str]] = {
    rule["alert"]: rule["expr"] for group in yaml.safe_load(RULES_FILE.read_text())["groups"] for rule in group["rules"]
}
"""The expression of each alert."""


_SCALED_OBJECT: Final[dict[str, Any]] = yaml.safe_load(
    (ROOT / "deploy" / "kubernetes" / "components" / "scaling" / "scaled-object.yaml").read_text()
)

SHOWN: Final[dict[str, str]] = {
    **{f"{panel.name}, {target['refId']}": target["expr"] for panel in PANELS for target in panel.json["targets"]},
    **{trigger["name"]: trigger["metadata"]["query"] for trigger in _SCALED_OBJECT["spec"]["triggers"]},
}
"""Every expression of a panel, and those by which workers are scaled, by where it stands. Each gives values always."""

EXPRESSIONS: Final = SHOWN | ALERTS
"""Those of the alerts too, which give values only while something is wrong."""
