"""What a process finds out about its Redis. The tests ask real servers that are set up in many ways."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.exceptions import ResponseError

from local_stack.ports import free_port
from local_stack.redis_server import RedisServer
from startup.broker.redis_refusals import Refusal, refusal_of, refusal_of_text
from startup.broker.redis_requirements import (
    EVICTS,
    INFO_REFUSED,
    NO_APPEND_ONLY_FILE,
    Finding,
    Severity,
    commands_of,
    findings_of,
    loading_progress,
    parse_info,
)
from startup.broker.redis_rights import SHIM

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tests.conftest import Environment, Servers

_SET_UP = "role:master\nredis_version:8.2.1\nredis_mode:standalone\nmaxmemory_policy:noeviction\naof_enabled:1\n"


def _ask(client: redis.Redis, *, allowed: Collection[str] = ()) -> tuple[Finding, ...]:
    replies: list[Any] = []
    for command in commands_of(SHIM):
        try:
            replies.append(client.execute_command(*command))
        except ResponseError as error:
            refusal = refusal_of(error)
            assert refusal is not None
            replies.append(refusal)
    return findings_of(replies, allowed=allowed)


def _codes(findings: Collection[Finding]) -> dict[str, Severity]:
    return {each.code: each.severity for each in findings}


@contextmanager
def _server(folder: Path, *lines: str) -> Iterator[redis.Redis]:
    server = RedisServer(folder / "redis", free_port(), lines)
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            yield client
    finally:
        server.kill()


def test_the_redis_of_the_local_stack_has_no_fault_and_the_checks_leave_nothing_in_it(
    isolated_env: Environment,
) -> None:
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        assert _ask(client) == ()
        assert client.keys() == []


def test_a_policy_that_evicts_is_refused_and_a_setting_lowers_it_to_a_warning(tmp_path: Path) -> None:
    with _server(tmp_path, "maxmemory 100mb", "maxmemory-policy allkeys-lru") as client:
        assert _codes(_ask(client)) == {EVICTS: Severity.REFUSE}
        assert _codes(_ask(client, allowed={EVICTS})) == {EVICTS: Severity.WARN}


def test_a_redis_without_append_only_file_is_told(tmp_path: Path) -> None:
    with _server(tmp_path, "appendonly no") as client:
        assert _codes(_ask(client)) == {NO_APPEND_ONLY_FILE: Severity.TELL}
        assert _codes(_ask(client, allowed={NO_APPEND_ONLY_FILE})) == {NO_APPEND_ONLY_FILE: Severity.WARN}


def test_cluster_mode_is_told(tmp_path: Path) -> None:
    with _server(tmp_path, "cluster-enabled yes", f"cluster-port {free_port()}") as client:
        found = _codes(_ask(client))
    assert found.pop("redis_cluster_mode") is Severity.TELL
    assert found.keys() <= {"redis_clusterdown", "redis_crossslot"}


def test_a_replica_is_told_and_the_name_may_lead_to_another_server(tmp_path: Path) -> None:
    with _server(tmp_path, f"replicaof 127.0.0.1 {free_port()}") as client:
        (found,) = _ask(client)
    assert (found.code, found.elsewhere) == ("redis_is_replica", True)


def test_too_few_replicas_to_write_are_told(tmp_path: Path) -> None:
    with _server(tmp_path, "min-replicas-to-write 1") as client:
        assert _codes(_ask(client)) == {"redis_noreplicas": Severity.TELL}


@pytest.mark.parametrize(
    ("rules", "code", "named"),
    [
        ("+@all -@scripting ~* &*", "redis_noperm", "EVAL"),
        ("+@all ~intake:* ~celery-task-meta-* &*", "redis_noperm", "customer.create"),
        ("+@all -hset -publish ~* &*", "redis_noperm", "HSET, PUBLISH"),
        ("+@all ~* resetchannels &celery-task-meta-*", "redis_noperm", "intake:shim:*"),
        ("+@all -info ~* &*", INFO_REFUSED, "INFO"),
    ],
)
def test_a_right_that_the_user_lacks_is_told_by_name(stack: Servers, rules: str, code: str, named: str) -> None:
    name = f"u{secrets.token_hex(4)}"
    with redis.Redis.from_url(stack.redis.url) as client:
        client.execute_command("ACL", "SETUSER", name, "on", ">secret", *rules.split())
        try:
            with redis.Redis(port=stack.redis.port, username=name, password="secret") as user:
                (found,) = _ask(user)
        finally:
            client.execute_command("ACL", "DELUSER", name)
    assert found.code == code
    assert found.severity is (Severity.WARN if code == INFO_REFUSED else Severity.TELL)
    assert named in found.sentence
    assert name not in found.sentence


def test_an_older_redis_is_told_by_its_version_even_where_scripts_do_not_compile() -> None:
    """Redis 6 does not know `#!lua`."""
    refused = refusal_of_text("ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'")
    found = findings_of([_SET_UP.replace("8.2.1", "6.2.14").encode(), refused])
    assert _codes(found) == {"redis_too_old": Severity.TELL, "redis_script_not_compiled": Severity.TELL}


def test_a_sentinel_in_place_of_a_redis_is_told_as_a_sentinel() -> None:
    found = findings_of([_SET_UP.replace("standalone", "sentinel"), refusal_of_text("ERR unknown command 'EVAL'")])
    assert "redis_is_sentinel" in _codes(found)


def test_of_a_redis_that_loads_its_data_is_told_how_far_it_is() -> None:
    set_up = _SET_UP.replace("aof_enabled:1", "aof_enabled:0")
    info = f"{set_up}loading:1\r\nloading_loaded_perc:41.20\r\nloading_eta_seconds:7\r\n"
    (found,) = findings_of([info, refusal_of_text("LOADING Redis is loading the dataset in memory")])
    assert (found.code, found.elsewhere) == ("redis_loading", True)
    assert "41.20 % read, about 7 s left" in found.sentence
    assert loading_progress(parse_info(_SET_UP)) == ""


def test_where_redis_refuses_everything_the_code_of_the_refusal_is_told() -> None:
    refused: Refusal = refusal_of_text("NOAUTH Authentication required.")
    assert _codes(findings_of([refused, refused])) == {"redis_noauth": Severity.TELL}


def test_the_gravest_finding_comes_first() -> None:
    info = _SET_UP.replace("noeviction", "allkeys-lru").replace("aof_enabled:1", "aof_enabled:0")
    assert [each.code for each in findings_of([info])] == [EVICTS, NO_APPEND_ONLY_FILE]
