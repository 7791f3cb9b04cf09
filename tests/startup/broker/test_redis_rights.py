"""With the users of deploy/redis-users.acl a process finds nothing missing, and Redis refuses whatever is more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis
from redis.exceptions import NoPermissionError, ResponseError

from schemas.protocol.keys import (
    DEAD_KEY,
    EVENTS_KEY,
    HELD_KEY,
    QUEUE,
    SWEEPER_LEASE_KEY,
    rate_key,
    record_key,
    result_key,
    waiter_channel,
)
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.webhook_keys import NOTIFIER_KEY, endpoint_key
from startup.broker.redis_refusals import refusal_of
from startup.broker.redis_requirements import commands_of, findings_of
from startup.broker.redis_rights import NOTIFIER, OPERATOR, PROCESSES, SHIM, WORKER, Rights
from tests.support.redis_users import ADMIN, client_as, redis_with_users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_stack.redis_server import RedisServer

of_each_process = pytest.mark.parametrize("rights", PROCESSES, ids=lambda rights: rights.user)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_with_users(tmp_path_factory.mktemp("users") / "redis") as server:
        yield server


@pytest.fixture
def admin(server: RedisServer) -> Iterator[redis.Redis]:
    with client_as(server, ADMIN) as client:
        yield client


def _found(server: RedisServer, rights: Rights) -> list[str]:
    """What is missing, in words."""
    with client_as(server, rights.user) as client:
        replies: list[Any] = []
        for command in commands_of(rights):
            try:
                replies.append(client.execute_command(*command))
            except ResponseError as error:
                replies.append(refusal_of(error))
        return [each.sentence for each in findings_of(replies)]


@pytest.mark.parametrize("rights", [SHIM, WORKER], ids=lambda rights: rights.user)
def test_a_process_finds_nothing_missing_with_its_rights(server: RedisServer, rights: Rights) -> None:
    assert _found(server, rights) == []


@pytest.mark.parametrize("rights", [SHIM, WORKER], ids=lambda rights: rights.user)
def test_each_right_that_is_taken_away_is_told_by_name(server: RedisServer, admin: redis.Redis, rights: Rights) -> None:
    for name, lesser in _with_one_less(rights):
        admin.execute_command("ACL", "SETUSER", rights.user, *lesser.rules())
        found = _found(server, rights)
        admin.execute_command("ACL", "SETUSER", rights.user, *rights.rules())

        assert [name in sentence for sentence in found] == [True], (name, found)


def _with_one_less(rights: Rights) -> Iterator[tuple[str, Rights]]:
    """Each right by its name, and the rights without it. Without some commands only some set-ups can be used."""
    for command in set(rights.commands) - {"CLIENT|SETINFO", "ROLE", "SELECT", "WAIT"}:
        scripts, direct = ({*names} - {command} for names in (rights.scripts, rights.direct))
        yield command.replace("|", " "), replace(rights, scripts=tuple(scripts), direct=tuple(direct))
    for place, pattern in enumerate(rights.keys):
        yield pattern, replace(rights, keys=_without(rights.keys, place))
    for place, pattern in enumerate(rights.read):
        yield pattern, replace(rights, read=_without(rights.read, place))
    for place, pattern in enumerate(rights.written):
        yield pattern, replace(rights, written=_without(rights.written, place))
    for place, pattern in enumerate(rights.channels):
        yield pattern, replace(rights, channels=_without(rights.channels, place))


def _without(patterns: tuple[str, ...], place: int) -> tuple[str, ...]:
    return patterns[:place] + patterns[place + 1 :]


@of_each_process
def test_redis_reads_these_commands_from_the_lines_and_no_others(admin: redis.Redis, rights: Rights) -> None:
    known: Any = admin.acl_getuser(rights.user)
    assert known["categories"] == ["-@all"]
    assert known["commands"] == [f"+{each.lower()}" for each in rights.commands]


FOR_NOBODY: Final = (
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("RANDOMKEY",),
    ("CONFIG", "GET", "requirepass"),
    ("CONFIG", "SET", "appendonly", "no"),
    ("ACL", "LIST"),
    ("CLIENT", "LIST"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("MONITOR",),
    ("SHUTDOWN",),
    ("REPLICAOF", "NO", "ONE"),
    ("SCRIPT", "FLUSH"),
    ("FUNCTION", "FLUSH"),
    ("LRANGE", QUEUE, "0", "-1"),
    ("LRANGE", CHUNKS.queue, "0", "-1"),
    ("DUMP", record_key("one")),
    ("RENAME", record_key("one"), record_key("two")),
    ("PSUBSCRIBE", "*"),
    ("SUBSCRIBE", "another"),
    ("PUBLISH", "another", "1"),
    ("SET", "another", "1"),
    ("GET", "another"),
)
"""What none of the users may."""

FOR_ONE_LESS: Final = (
    (SHIM, ("LPOP", QUEUE)),
    (SHIM, ("RPOP", CHUNKS.queue)),
    (SHIM, ("BLMPOP", "0.01", "1", QUEUE, "RIGHT")),
    (SHIM, ("LINDEX", QUEUE, "0")),
    (SHIM, ("DEL", record_key("one"))),
    (SHIM, ("ZADD", DEAD_KEY, "1", "one")),
    (SHIM, ("GET", SWEEPER_LEASE_KEY)),
    (WORKER, ("SUBSCRIBE", waiter_channel("one"))),
    (WORKER, ("SET", rate_key("somebody"), "1")),
    (SHIM, ("GET", NOTIFIER_KEY)),
    (WORKER, ("HGET", endpoint_key("crm"), "since")),
    (NOTIFIER, ("HGET", record_key("one"), "sealed")),
    (NOTIFIER, ("GET", result_key("one"))),
    (NOTIFIER, ("BLMPOP", "0.01", "1", QUEUE, "RIGHT")),
    (NOTIFIER, ("XADD", EVENTS_KEY, "*", "id", "evt_1")),
    (NOTIFIER, ("XDEL", EVENTS_KEY, "1-0")),
    (NOTIFIER, ("XTRIM", EVENTS_KEY, "MAXLEN", "0")),
    (NOTIFIER, ("EVAL", "return 1", "0")),
    (OPERATOR, ("XREADGROUP", "GROUP", "webhook:crm", "notifier", "STREAMS", EVENTS_KEY, ">")),
    (OPERATOR, ("GET", NOTIFIER_KEY)),
    (OPERATOR, ("BLMPOP", "0.01", "1", QUEUE, "RIGHT")),
    (OPERATOR, ("SET", result_key("one"), "1")),
    (OPERATOR, ("HGETALL", record_key("one"))),
    (OPERATOR, ("EVAL", "return 1", "0")),
    (OPERATOR, ("INFO",)),
    (OPERATOR, ("ZREM", HELD_KEY, "one")),
)
"""What one user may not, although another may."""


@pytest.mark.parametrize(
    ("user", "command"),
    [(rights.user, command) for rights in PROCESSES for command in FOR_NOBODY]
    + [(rights.user, command) for rights, command in FOR_ONE_LESS],
    ids=lambda each: each if isinstance(each, str) else "_".join(each),
)
def test_more_is_refused(server: RedisServer, user: str, command: tuple[str, ...]) -> None:
    with client_as(server, user) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command)


def test_a_script_gives_its_user_no_more_rights(server: RedisServer) -> None:
    with client_as(server, SHIM.user) as client, pytest.raises(ResponseError, match=r"ACL failure|can't run"):
        client.eval("return redis.call('KEYS', '*')", 0)


def test_whoever_has_no_password_may_ask_whether_redis_is_there_and_nothing_else(server: RedisServer) -> None:
    with redis.Redis(port=server.port) as client:
        assert client.ping()
        with pytest.raises(NoPermissionError):
            client.get("one")
