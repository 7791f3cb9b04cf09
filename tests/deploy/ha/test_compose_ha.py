"""What must be true of docker-compose.ha.yml alone. What holds for both files is in tests/deploy/test_compose.py."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

import pytest

from startup.broker.redis_url import parse_redis_url
from tests.deploy.test_compose import COMPOSE, HA, ROOT, SERVICES

HA_SERVICES: Final[dict[str, dict[str, Any]]] = HA["services"]
"""The services by their names."""

NUMBERS: Final = (1, 2, 3)
"""Of the Redis, of the Sentinels and of the members of MongoDB."""

SENTINEL_SCRIPT: Final = (ROOT / "deploy/ha/sentinel.sh").read_text()
"""What starts a Sentinel."""


HEAD: Final = (ROOT / "docker-compose.ha.yml").read_text().split("\nname:", maxsplit=1)[0]
"""What the file says of itself."""


def _address(name: str, network: str = "back") -> str:
    address: str = HA_SERVICES[name]["networks"][network]["ipv4_address"]
    return address


def test_it_has_every_service_of_the_small_file() -> None:
    kinds = {re.sub(r"-\d$", "", name) for name in HA_SERVICES}

    assert kinds == {*SERVICES, "proxy", "sentinel"}


def test_nothing_stands_alone_but_the_proxy_and_the_operators_page() -> None:
    assert set(HA_SERVICES) == {
        *("proxy", "console", "worker", "notifier", "shim-1", "shim-2"),
        *(f"{kind}-{number}" for kind in ("redis", "sentinel", "mongo") for number in NUMBERS),
    }
    for name in ("worker", "notifier"):
        assert HA_SERVICES[name]["deploy"] == {"replicas": 2}


@pytest.mark.parametrize("name", ["shim-1", "shim-2", "worker", "notifier", "console"])
def test_the_variables_are_those_of_the_small_file_but_for_where_the_servers_are(name: str) -> None:
    moved = {"INTAKE_REDIS_URL", "INTAKE_MONGODB_URI", "INTAKE_REDIS_COPIES"}
    kind = re.sub(r"-\d$", "", name)
    here, there = HA_SERVICES[name]["environment"], SERVICES[kind]["environment"]

    assert {key: value for key, value in here.items() if key not in moved} == {
        key: value for key, value in there.items() if key not in moved
    }
    assert HA_SERVICES[name]["secrets"] == SERVICES[kind]["secrets"]
    assert HA_SERVICES[name]["healthcheck"] == SERVICES[kind]["healthcheck"]


def test_redis_is_found_by_asking_every_sentinel() -> None:
    url = parse_redis_url(HA_SERVICES["worker"]["environment"]["INTAKE_REDIS_URL"])

    assert url.sentinels is not None
    assert url.sentinels.addresses == tuple((f"sentinel-{number}", 26379) for number in NUMBERS)
    assert f"sentinel monitor {url.sentinels.name} $1 6379 2" in SENTINEL_SCRIPT
    others = ("shim-1", "shim-2", "notifier", "console")
    assert {HA_SERVICES[name]["environment"]["INTAKE_REDIS_URL"] for name in others} == {
        HA_SERVICES["worker"]["environment"]["INTAKE_REDIS_URL"]
    }


def test_a_202_needs_a_replica() -> None:
    for name in ("shim-1", "shim-2"):
        assert HA_SERVICES[name]["environment"]["INTAKE_REDIS_COPIES"] == "1"
    assert 'echo "min-replicas-to-write 1"' in (ROOT / "deploy/ha/redis.sh").read_text()


def test_the_workers_know_every_member_of_mongodb() -> None:
    uri = HA_SERVICES["worker"]["environment"]["INTAKE_MONGODB_URI"]

    assert uri == f"mongodb://{','.join(f'mongo-{number}:27017' for number in NUMBERS)}/?replicaSet=rs0"
    assert "[1, 2, 3].map(n => ({_id: n, host: 'mongo-' + n + ':27017'}))" in str(
        HA_SERVICES["mongo-1"]["healthcheck"]["test"]
    )
    for number in NUMBERS[1:]:
        assert "initiate" not in str(HA_SERVICES[f"mongo-{number}"]["healthcheck"]["test"])


def test_every_server_that_keeps_something_has_a_volume_of_its_own() -> None:
    volumes = [
        volume.split(":")[0]
        for service in HA_SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith("./")
    ]

    assert sorted(volumes) == sorted(HA["volumes"]) == sorted(set(volumes))


def test_every_file_that_is_mounted_exists() -> None:
    mounted = {
        volume.split(":")[0]
        for service in HA_SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    }

    assert mounted == {
        *("./deploy/nginx.conf", "./deploy/redis.conf"),
        *(f"./deploy/ha/{name}.sh" for name in ("nginx", "redis", "sentinel")),
    }
    assert all((ROOT / path).is_file() for path in mounted)


def test_redis_and_sentinels_have_addresses_that_never_change() -> None:
    """A Sentinel cannot resolve the name of a container that is gone, and would promote nobody."""
    servers = [f"{kind}-{number}" for kind in ("redis", "sentinel") for number in NUMBERS]
    addresses = {_address(name) for name in servers}

    assert len(addresses) == len(servers)
    for network in ("front", "back"):
        subnet = ip_network(HA["networks"][network]["ipam"]["config"][0]["subnet"])
        inside = addresses if network == "back" else {_address(name, "front") for name in ("shim-1", "shim-2")}
        assert all(ip_address(address) in subnet for address in inside)
    for number in NUMBERS:
        assert HA_SERVICES[f"sentinel-{number}"]["command"] == [_address("redis-1")]


def test_an_empty_redis_is_the_replica_of_another() -> None:
    others = {number: HA_SERVICES[f"redis-{number}"]["command"] for number in NUMBERS}

    assert others == {1: [_address("redis-2")], 2: [_address("redis-1")], 3: [_address("redis-1")]}
    assert f"redis-1 first-primary {_address('redis-2')} {_address('redis-3')}\n" in HEAD


def test_from_other_machines_only_the_proxy_can_be_reached_and_it_reaches_only_the_shims() -> None:
    assert {name for name, service in HA_SERVICES.items() if "ports" in service} == {"proxy", "console"}
    assert HA_SERVICES["proxy"]["ports"] == ["${INTAKE_TLS_PORT:-443}:443"]
    assert HA_SERVICES["proxy"]["networks"] == ["front"]
    assert HA_SERVICES["proxy"]["command"] == ["shim-1:3005", "shim-2:3005"]
    assert HA["networks"]["back"]["internal"] is True
    for name, service in HA_SERVICES.items():
        if name not in {"proxy", "shim-1", "shim-2", "notifier", "console"}:
            assert set(service["networks"]) == {"back"}


def test_the_proxy_has_the_certificate_where_its_configuration_looks_for_it() -> None:
    configuration = (ROOT / "deploy/nginx.conf").read_text()

    for secret in HA_SERVICES["proxy"]["secrets"]:
        assert f" {secret['target']};" in configuration


def test_only_the_worker_is_given_the_private_keys() -> None:
    holders = [name for name, service in HA_SERVICES.items() if "sealing_private_keys" in service.get("secrets", [])]

    assert holders == ["worker"]


def test_the_console_is_reached_and_trusted_as_in_the_small_file() -> None:
    for key in ("ports", "secrets", "networks", "mem_limit"):
        assert HA_SERVICES["console"][key] == SERVICES["console"][key]


def test_every_secret_of_a_service_is_one_of_the_file() -> None:
    used = {
        secret if isinstance(secret, str) else secret["source"]
        for service in HA_SERVICES.values()
        for secret in service.get("secrets", [])
    }

    assert used == set(HA["secrets"])


def test_the_commands_at_the_head_make_the_secrets_that_are_random() -> None:
    made = re.search(r"for name in ([a-z -]+); do", HEAD)

    assert made is not None
    shared = {Path(secret["file"]).name for name, secret in HA["secrets"].items() if name in COMPOSE["secrets"]}
    assert {*made[1].split()} == shared - {"sealing-public-key", "sealing-private-keys", "webhook-endpoints"}


def test_the_notifiers_get_no_key_and_run_only_where_they_are_asked_for() -> None:
    for key in ("profiles", "secrets", "networks"):
        assert HA_SERVICES["notifier"][key] == SERVICES["notifier"][key]


def test_it_says_what_was_not_run() -> None:
    assert "**It never ran**" in HEAD
