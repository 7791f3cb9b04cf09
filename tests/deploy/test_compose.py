"""What must be true of the compose files. The tests only read them: they need no Docker engine, and have run none."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final = ("shim", "worker", "notifier", "console")
HA: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.ha.yml").read_text())
"""The file in which nothing stands alone; ha/test_compose_ha.py has what is true of it only."""
EVERY_SERVICE: Final[dict[str, dict[str, Any]]] = {
    **SERVICES,
    **{f"ha-{name}": service for name, service in HA["services"].items()},
}
"""The services of both files."""

each_service = pytest.mark.parametrize("service", EVERY_SERVICE.values(), ids=EVERY_SERVICE)


def _redis_directives() -> dict[str, str]:
    lines = (ROOT / "deploy" / "redis.conf").read_text().splitlines()
    parts = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in parts}


def test_only_the_worker_is_given_the_private_keys() -> None:
    holders = [name for name, service in SERVICES.items() if "sealing_private_keys" in service.get("secrets", [])]
    assert holders == ["worker"]
    assert "INTAKE_SEALING_PRIVATE_KEYS_FILE" not in SERVICES["shim"]["environment"]


@pytest.mark.parametrize("name", OURS)
def test_every_secret_comes_from_a_file_that_compose_mounts(name: str) -> None:
    service = SERVICES[name]
    files = {value for variable, value in service["environment"].items() if variable.endswith("_FILE")}
    mounted = {f"/run/secrets/{secret}" for secret in service["secrets"]}
    assert mounted == {file for file in files if file.startswith("/run/secrets/")}
    secrets = {
        *("INTAKE_ID_KEY", "INTAKE_JWT_SECRET", "INTAKE_SEALING_PUBLIC_KEY", "INTAKE_SEALING_PRIVATE_KEYS"),
        "INTAKE_FIREBASE_SIGNER_KEY",
        "INTAKE_CONSOLE_SESSION_KEY",
    }
    assert not secrets & service["environment"].keys()


def test_the_secrets_lie_where_git_and_the_image_do_not_look() -> None:
    assert "/.local/" in (ROOT / ".gitignore").read_text().splitlines()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert not [line for line in ignored if line.startswith("!.")]
    for secret in (*COMPOSE["secrets"].values(), *HA["secrets"].values()):
        assert secret["file"].startswith("./.local/")


def test_redis_keeps_every_write_that_it_acknowledged_and_evicts_nothing() -> None:
    directives = _redis_directives()
    assert directives["appendonly"] == "yes"
    assert directives["appendfsync"] == "always"
    assert directives["maxmemory-policy"] == "noeviction"
    assert directives["maxmemory"].endswith("gb")
    assert "./deploy/redis.conf:/etc/redis/redis.conf:ro" in SERVICES["redis"]["volumes"]
    assert SERVICES["redis"]["command"] == ["/etc/redis/redis.conf"]


def test_one_caller_alone_cannot_fill_redis() -> None:
    environment = SERVICES["shim"]["environment"]
    assert float(environment["INTAKE_RATE_PER_SECOND"]) > 0
    assert int(environment["INTAKE_MAX_OPEN_TASKS"]) > 0


def test_mongodb_is_a_replica_set_that_is_made_only_once() -> None:
    assert "--replSet" in SERVICES["mongo"]["command"]
    check = SERVICES["mongo"]["healthcheck"]["test"][-1]
    assert "NotYetInitialized" in check
    assert "rs.initiate" in check
    assert SERVICES["worker"]["environment"]["INTAKE_MONGODB_URI"].endswith("?replicaSet=rs0")


@each_service
def test_every_service_has_a_health_check(service: dict[str, Any]) -> None:
    assert service["healthcheck"]["test"]


@each_service
def test_no_health_check_needs_a_docker_engine_of_25_or_newer(service: dict[str, Any]) -> None:
    assert set(service["healthcheck"]) <= {"test", "interval", "timeout", "retries", "start_period"}


def test_a_service_starts_when_what_it_needs_is_healthy() -> None:
    assert set(SERVICES["shim"]["depends_on"]) == {"redis"}
    assert set(SERVICES["worker"]["depends_on"]) == {"redis", "mongo"}
    assert set(SERVICES["notifier"]["depends_on"]) == {"redis"}
    assert set(SERVICES["console"]["depends_on"]) == {"redis"}
    for name in OURS:
        for needed in SERVICES[name]["depends_on"].values():
            assert needed == {"condition": "service_healthy"}


@each_service
def test_every_image_is_pinned_or_built_here(service: dict[str, Any]) -> None:
    if "build" not in service:
        _, _, tag = service["image"].partition(":")
        assert tag[:1].isdigit()
        assert tag.partition("-")[0].count(".") == 2, "a tag that is not exact changes under us"


@each_service
def test_no_service_can_take_the_whole_machine(service: dict[str, Any]) -> None:
    assert service["mem_limit"][-1] in "mg"
    assert service["pids_limit"] <= 1024


@each_service
def test_every_service_runs_with_few_rights(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert service["user"] not in {"root", "0"}
    assert int(service["stop_grace_period"].removesuffix("s")) >= 35


def test_only_shim_and_console_can_be_reached_and_only_from_this_machine() -> None:
    reachable = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(reachable) == {"shim", "console"}
    assert all(port.startswith("127.0.0.1:") for ports in reachable.values() for port in ports)
    assert COMPOSE["networks"]["back"] == {"internal": True}
    for name in ("worker", "redis", "mongo"):
        assert SERVICES[name]["networks"] == ["back"]


def test_the_notifier_gets_no_key_and_runs_only_where_it_is_asked_for() -> None:
    notifier = SERVICES["notifier"]
    assert notifier["secrets"] == ["webhook_endpoints"]
    assert not [name for name in notifier["environment"] if "KEY" in name or "MONGODB" in name]
    assert notifier["profiles"] == ["webhooks"]


def test_the_worker_can_be_scaled() -> None:
    assert "container_name" not in SERVICES["worker"]
    assert "ports" not in SERVICES["worker"]


def test_the_workers_health_check_reads_the_file_that_the_worker_writes() -> None:
    path = SERVICES["worker"]["environment"]["INTAKE_WORKER_HEALTH_FILE"]
    assert f"'{path}'" in SERVICES["worker"]["healthcheck"]["test"][-1]
    assert path.startswith("/tmp/")  # noqa: S108 - the container's own tmpfs
    assert any(mount.startswith("/tmp:") for mount in SERVICES["worker"]["tmpfs"])  # noqa: S108
