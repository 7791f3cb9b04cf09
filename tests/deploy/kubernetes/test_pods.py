"""The pods of deploy/kubernetes: their rights, secrets, probes, and that they leave in order."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from api_shim.settings import read_shim_settings
from console.settings import read_console_settings
from local_stack.secret_files import ensure_secret_files
from notifier.settings import read_notifier_settings
from startup.broker.redis_url import parse_redis_url
from tests.deploy.kubernetes.rendering import (
    COMPONENTS,
    OVERLAYS,
    container,
    deployment,
    each_overlay,
    each_pod,
    environment,
    of_kind,
    pod,
)
from tests.deploy.test_compose import SERVICES
from tests.deploy.test_settings import Recording
from worker.settings import read_worker_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

REDIS_URLS: Final = {
    "small": "redis://redis.example.com:6379/0",
    "production": "redis+sentinel://a.example.com,b.example.com,c.example.com/mymaster/0",
}
"""What an operator gives as the secret `redis-url`, for each overlay."""


@each_pod
def test_every_variable_of_a_pod_is_one_that_its_process_reads(overlay: str, component: str, tmp_path: Path) -> None:
    ensure_secret_files(tmp_path)
    (tmp_path / "redis-url").write_text(REDIS_URLS[overlay])
    (tmp_path / "webhook-endpoints").write_text("")
    (tmp_path / "mongodb-uri").write_text("mongodb://mongo.example.com/?replicaSet=rs0")
    told = {
        name: value.replace("/run/secrets/intake", str(tmp_path))
        for name, value in environment(overlay, component).items()
    }
    recording = Recording(told)

    readers: dict[str, Callable[[Mapping[str, str]], object]] = {
        "shim": read_shim_settings,
        "worker": read_worker_settings,
        "notifier": read_notifier_settings,
        "console": read_console_settings,
    }
    readers[component](recording)

    assert set(told) <= recording.asked


def test_a_202_needs_a_replica_where_a_zone_may_die() -> None:
    """The secret's URL and the way out of the network are those of Sentinels, which promote a replica."""
    assert environment("production", "shim")["INTAKE_REDIS_COPIES"] == "1"
    sentinels = parse_redis_url(REDIS_URLS["production"]).sentinels
    assert sentinels is not None
    for component in COMPONENTS["production"]:
        policy = of_kind("production", "NetworkPolicy")[f"intake-{component}"]
        let_out = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
        assert {port for _, port in sentinels.addresses} <= let_out


@each_pod
def test_every_secret_comes_from_a_file_of_the_process_s_own_secret(overlay: str, component: str) -> None:
    """A variable could be read in `/proc` and by `kubectl describe`."""
    mounts = {mount["name"]: mount for mount in container(overlay, component)["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod(overlay, component)["volumes"]}
    files = [value for name, value in environment(overlay, component).items() if name.endswith("_URL_FILE")]

    assert volumes["secrets"]["secret"]["secretName"] == f"intake-{component}"
    assert volumes["secrets"]["secret"]["defaultMode"] == 0o440
    assert mounts["secrets"]["readOnly"] is True
    assert files
    for name, value in environment(overlay, component).items():
        assert name.endswith("_FILE") or not any(
            word in name for word in ("SECRET", "_KEY", "_URL", "_URI", "PASSWORD")
        ), name
        if name.endswith("_FILE") and name != "INTAKE_WORKER_HEALTH_FILE":
            assert value.startswith(f"{mounts['secrets']['mountPath']}/")


@each_overlay
def test_only_the_worker_is_given_the_private_keys(overlay: str) -> None:
    assert "INTAKE_SEALING_PRIVATE_KEYS_FILE" in environment(overlay, "worker")
    assert not [value for value in environment(overlay, "shim").values() if "private" in value]
    assert not of_kind(overlay, "Secret"), "a secret in a manifest is no secret"


def test_the_notifier_is_given_no_key_and_no_address_of_mongodb() -> None:
    told = environment("production", "notifier")
    assert not [name for name in told if "KEY" in name or "MONGODB" in name]


@each_pod
def test_every_pod_runs_with_the_fewest_rights(overlay: str, component: str) -> None:
    spec, only = pod(overlay, component), container(overlay, component)

    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert of_kind(overlay, "Namespace")["customer-intake"]["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }


@each_pod
def test_no_service_of_the_namespace_can_set_a_variable(overlay: str, component: str) -> None:
    """Kubernetes would set `INTAKE_PORT=tcp://…` for a Service called `intake`, and the shim would not start."""
    assert pod(overlay, component)["enableServiceLinks"] is False


@each_pod
def test_a_pod_has_as_much_time_to_end_as_in_the_compose_file(overlay: str, component: str) -> None:
    seconds = int(SERVICES[component]["stop_grace_period"].removesuffix("s"))

    assert pod(overlay, component)["terminationGracePeriodSeconds"] == seconds


@each_overlay
def test_a_shim_takes_no_requests_without_redis_and_is_not_restarted_for_it(overlay: str) -> None:
    only = container(overlay, "shim")

    assert only["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    for probe in ("livenessProbe", "startupProbe"):
        assert only[probe]["httpGet"] == {"path": "/healthz", "port": "http"}


@each_overlay
def test_the_worker_s_probes_look_at_its_health_file_as_the_compose_file_does(overlay: str) -> None:
    only = container(overlay, "worker")
    _, *command = SERVICES["worker"]["healthcheck"]["test"]

    assert only["readinessProbe"]["exec"]["command"] == only["livenessProbe"]["exec"]["command"] == command
    assert f"'{environment(overlay, 'worker')['INTAKE_WORKER_HEALTH_FILE']}'" in command[-1]
    assert {"name": "scratch", "mountPath": "/tmp"} in only["volumeMounts"]  # noqa: S108 - the container's own


@each_overlay
def test_an_outage_of_redis_does_not_restart_the_workers(overlay: str) -> None:
    """The health file ages while Redis cannot be used. Kubernetes delays each restart longer than the one before."""
    probe = container(overlay, "worker")["livenessProbe"]

    assert probe["failureThreshold"] * probe["periodSeconds"] >= 900


@pytest.mark.parametrize(("age_seconds", "code"), [(0, 0), (3600, 1), (None, 1)], ids=["fresh", "old", "missing"])
def test_the_worker_s_probe_tells_a_fresh_file_from_an_old_one_and_from_none(
    age_seconds: int | None, code: int, tmp_path: Path
) -> None:
    file = tmp_path / "worker-health.json"
    if age_seconds is not None:
        file.touch()
        written_at = file.stat().st_mtime - age_seconds
        os.utime(file, (written_at, written_at))
    _, *options = container(OVERLAYS[0], "worker")["readinessProbe"]["exec"]["command"]
    command = [option.replace("/tmp/worker-health.json", str(file)) for option in options]  # noqa: S108 - as above

    done = subprocess.run([sys.executable, *command], capture_output=True, check=False, timeout=30)

    assert done.returncode == code


@each_pod
def test_a_rollout_or_a_drained_node_takes_one_pod_at_a_time(overlay: str, component: str) -> None:
    budget = of_kind(overlay, "PodDisruptionBudget")[f"intake-{component}"]["spec"]
    rollout = deployment(overlay, component)["spec"]["strategy"]["rollingUpdate"]

    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert rollout["maxSurge"] == 1
    assert rollout["maxUnavailable"] <= 1


@each_pod
def test_the_pods_of_a_process_are_spread(overlay: str, component: str) -> None:
    spreads = {each["topologyKey"]: each for each in pod(overlay, component)["topologySpreadConstraints"]}

    assert "kubernetes.io/hostname" in spreads
    if overlay == "production":
        zones = spreads["topology.kubernetes.io/zone"]
        # Otherwise the nodes of a dead zone would count as a place with no pod, and no zone might take a second one.
        assert zones["whenUnsatisfiable"] == "ScheduleAnyway" or zones["nodeTaintsPolicy"] == "Honor"
