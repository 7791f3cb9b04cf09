"""The pods of deploy/kubernetes have what `customer-intake plan` says that their load takes, and are scaled by it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
from click.testing import CliRunner

from cli.main import main
from cli.planning.capacity import BUSY
from tests.deploy.kubernetes.rendering import (
    FOLDER,
    container,
    cores,
    deployment,
    each_overlay,
    environment,
    mebibytes,
    of_kind,
)

SCALING: Final = "production"
"""The overlay in which KEDA sets the number of workers."""

SECONDS_OF_WORK_WAITING: Final = 30
"""How much work may wait for each core of the workers before there are more of them."""

FURTHER_CORES: Final = 2
"""By how much a worker's groups of tasks outnumber its cores, as by default."""


def _plan(overlay: str) -> dict[str, Any]:
    """What the command that stands in the overlay says."""
    text = (FOLDER / "overlays" / overlay / "kustomization.yaml").read_text()
    (options,) = re.findall(r"^# +customer-intake (plan .+)$", text, re.MULTILINE)
    done = CliRunner().invoke(main, [*options.split(), "--json"])
    assert done.exit_code == 0, done.output
    planned: dict[str, Any] = json.loads(done.output)["plan"]
    return planned


def _workers(overlay: str) -> int:
    """How many workers there may be, of those that a dead zone leaves."""
    if overlay == SCALING:
        most: int = of_kind(overlay, "ScaledObject")["intake-worker"]["spec"]["maxReplicaCount"]
        return most * 2 // 3
    replicas: int = deployment(overlay, "worker")["spec"]["replicas"]
    return replicas


@each_overlay
def test_the_workers_have_the_cores_of_the_plan(overlay: str) -> None:
    plan = _plan(overlay)

    assert plan["fits"]
    assert _workers(overlay) * cores(overlay, "worker") >= plan["cores_needed"]


@each_overlay
def test_a_worker_hashes_on_the_cores_that_it_asks_for(overlay: str) -> None:
    told = environment(overlay, "worker")

    assert told["INTAKE_HASH_CONCURRENCY"] == str(cores(overlay, "worker"))
    assert told["INTAKE_WORKER_CONCURRENCY"] == str(cores(overlay, "worker") + FURTHER_CORES)


@each_overlay
def test_the_memory_is_that_of_the_plan_and_bounded(overlay: str) -> None:
    plan = _plan(overlay)
    each_worker = plan["memory_mib"]["workers"] / plan["worker_processes"]
    each_shim = plan["memory_mib"]["shims"] / plan["shim_processes"]

    for component, needed in (("worker", each_worker), ("shim", each_shim)):
        resources = container(overlay, component)["resources"]
        assert mebibytes(resources["requests"]["memory"]) >= needed
        assert mebibytes(resources["limits"]["memory"]) >= 2 * needed
        assert "cpu" not in resources["limits"], "a throttled process answers late"


@each_overlay
def test_the_shims_have_the_cores_of_the_plan_and_one_may_be_missing(overlay: str) -> None:
    plan = _plan(overlay)
    millicores = int(container(overlay, "shim")["resources"]["requests"]["cpu"].removesuffix("m"))

    replicas = deployment(overlay, "shim")["spec"]["replicas"]
    assert replicas - 1 >= plan["shim_processes"]
    assert (replicas - 1) * millicores >= 1000 * plan["cores_busy"]["shim"]


def test_no_apply_sets_the_number_of_workers_back_that_keda_has_set() -> None:
    assert "replicas" not in deployment(SCALING, "worker")["spec"]
    assert deployment("small", "worker")["spec"]["replicas"] >= 2


def _scaled() -> dict[str, Any]:
    spec: dict[str, Any] = of_kind(SCALING, "ScaledObject")["intake-worker"]["spec"]
    return spec


TRIGGERS: Final = ("work-waiting", "work-arriving")
"""The names of what the workers are scaled by."""


def _trigger(name: str) -> dict[str, Any]:
    (trigger,) = [each for each in _scaled()["triggers"] if each["name"] == name]
    return dict(trigger)


def test_workers_are_scaled_by_these_triggers() -> None:
    assert [trigger["name"] for trigger in _scaled()["triggers"]] == list(TRIGGERS)
    assert _scaled()["scaleTargetRef"]["name"] in of_kind(SCALING, "Deployment")


@pytest.mark.parametrize("name", TRIGGERS)
def test_missing_metrics_do_not_take_workers_away(name: str) -> None:
    assert _trigger(name)["metadata"]["ignoreNullValues"] == "false"
    assert _scaled()["fallback"]["behavior"] == "currentReplicasIfHigher"
    assert _scaled()["fallback"]["replicas"] >= _scaled()["minReplicaCount"] >= 1


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_asks_only_for_metrics_of_this_namespace(name: str) -> None:
    query = _trigger(name)["metadata"]["query"]
    asked = re.findall(r"\bintake_\w+\{namespace=\"([^\"]+)\"", query)

    assert len(asked) == len(re.findall(r"\bintake_\w+", query))
    assert set(asked) <= set(of_kind(SCALING, "Namespace"))


def test_a_worker_has_half_a_minute_of_work_before_there_is_another() -> None:
    threshold = float(_trigger("work-waiting")["metadata"]["threshold"])

    assert threshold == SECONDS_OF_WORK_WAITING * cores(SCALING, "worker")


def test_the_workers_are_as_busy_with_what_arrives_as_the_plan_allows() -> None:
    threshold = float(_trigger("work-arriving")["metadata"]["threshold"])

    assert threshold == BUSY * cores(SCALING, "worker")


def test_there_is_a_worker_in_each_zone() -> None:
    assert _scaled()["minReplicaCount"] == 3
    assert _scaled()["maxReplicaCount"] % 3 == 0
