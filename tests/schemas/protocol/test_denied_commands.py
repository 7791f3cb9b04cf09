"""A step that is refused for want of a right has done nothing: nothing of a task is left half done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis

from schemas.protocol.keys import EVENTS_KEY
from schemas.protocol.lua_files import load_script, script_names
from schemas.protocol.lua_rights import without_unused
from schemas.protocol.overall import COUNTS_KEY
from startup.broker.redis_rights import CONSOLE, NOTIFIER, OPERATOR, SHIM, WORKER
from tests.schemas.protocol.golden_calls import CALLS
from tests.support.records import Scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.protocol.call import Script

USER: Final = "denied"


def _commands(script: Script) -> list[str]:
    called = re.findall(r"redis\.call\('(?:(XINFO|XGROUP)', ')?([A-Z]+)'", without_unused(script.text))
    return sorted({"|".join(filter(None, words)) for words in called})


def _guarded(script: Script) -> bool:
    return bool(script.keys) and not script.text.startswith("#!lua flags=no-writes")


GUARDED: Final = [name for name in script_names() if _guarded(load_script(name))]


@pytest.fixture
def denied(redis_client: redis.Redis) -> Iterator[redis.Redis]:
    """A client of a user who may do anything, until a test denies a command."""
    redis_client.execute_command("ACL", "SETUSER", USER, "reset", "on", f">{USER}", "~*", "&*", "+@all")
    connection = redis_client.connection_pool.connection_kwargs
    with redis.Redis(
        host=connection["host"], port=connection["port"], db=connection["db"], username=USER, password=USER, protocol=2
    ) as client:
        yield client
    redis_client.execute_command("ACL", "DELUSER", USER)


def _deny(admin: redis.Redis, command: str) -> None:
    admin.execute_command("ACL", "SETUSER", USER, "+@all", f"-{command.lower()}")


def _dump(admin: redis.Redis) -> dict[bytes, bytes | None]:
    return {key: admin.dump(key) for key in admin.scan_iter("*")}


@pytest.mark.parametrize("name", GUARDED)
def test_a_step_changes_nothing_where_the_user_lacks_a_right_to_one_of_its_commands(
    redis_client: redis.Redis, denied: redis.Redis, name: str
) -> None:
    call: Any = CALLS[name]
    for command in _commands(call.script):
        _deny(redis_client, command)
        with pytest.raises(redis.exceptions.NoPermissionError):
            Scripts(denied).run(call.with_deadline(0) if call.has_deadline else call)
        assert _dump(redis_client) == {}, command


@pytest.mark.parametrize("command", _commands(load_script("finish")))
def test_an_outcome_that_redis_refused_in_part_is_written_whole_once_the_right_is_back(
    redis_client: redis.Redis, denied: redis.Redis, accepted: str, command: str
) -> None:
    before = _dump(redis_client)
    other = Scripts(denied)
    _deny(redis_client, command)
    with pytest.raises(redis.exceptions.NoPermissionError):
        other.finish(accepted)
    assert _dump(redis_client) == before
    redis_client.execute_command("ACL", "SETUSER", USER, "+@all")
    assert other.finish(accepted) == "written"


@pytest.mark.parametrize("key", [EVENTS_KEY, COUNTS_KEY])
def test_an_outcome_is_not_written_in_part_where_the_user_lacks_the_right_to_a_key(
    redis_client: redis.Redis, denied: redis.Redis, accepted: str, key: str
) -> None:
    before = _dump(redis_client)
    others = [f"~{each}" for each in WORKER.keys if each != key]
    redis_client.execute_command("ACL", "SETUSER", USER, "resetkeys", *others)
    with pytest.raises(redis.exceptions.NoPermissionError):
        Scripts(denied).finish(accepted)
    assert _dump(redis_client) == before
    redis_client.execute_command("ACL", "SETUSER", USER, f"~{key}")
    assert Scripts(denied).finish(accepted) == "written"


@pytest.mark.parametrize("rights", [SHIM, WORKER, NOTIFIER, OPERATOR, CONSOLE], ids=lambda rights: rights.user)
def test_a_user_with_the_least_rights_is_asked_about_each_command_a_thousand_times_and_redis_lives(
    redis_client: redis.Redis, denied: redis.Redis, rights: Any
) -> None:
    """Redis 8.2 crashed, now and then, when it was asked about a command without its key."""
    redis_client.execute_command("ACL", "SETUSER", USER, *rights.rules())
    key = rights.keys[0].replace("*", "x")
    for name in GUARDED:
        asked = load_script(name).text.splitlines()[1].partition(" then ")[0].removeprefix("if not ")
        digest = redis_client.script_load(f"for _ = 1, 1000 do local _ = {asked} end")
        denied.evalsha(digest, 1, key)
    assert redis_client.ping()
