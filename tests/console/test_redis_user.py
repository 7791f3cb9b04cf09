"""The user `intake-console` of deploy/redis-users.acl may do all that the console does, and nothing beside it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import NoPermissionError

from schemas.ids import new_task_id
from schemas.overseeing import LINK_CLAIM
from schemas.protocol.keys import EVENTS_KEY, QUEUE
from schemas.protocol.steps.overseeing import sample
from tests.support.batches import Batches
from tests.support.records import Scripts
from tests.support.redis_users import ADMIN, client_as, redis_with_users, url_as

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_stack.redis_server import RedisServer
    from tests.conftest import Environment
    from tests.console.conftest import OpenConsole

USER = "intake-console"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_with_users(tmp_path / "redis") as server:
        yield server


def test_the_user_may_do_all_that_the_console_does(
    server: RedisServer, isolated_env: Environment, open_console: OpenConsole
) -> None:
    console = open_console(isolated_env, INTAKE_REDIS_URL=url_as(server, USER))
    assert console.log_in(**{LINK_CLAIM: "a link"}).status_code == 200
    assert console.log_in(**{LINK_CLAIM: "a link"}).json()["error"] == "link_used"
    with client_as(server, ADMIN) as client:
        scripts = Scripts(client)
        scripts.run(sample())
        dead, dropped, batch_id = new_task_id(), new_task_id(), Batches(client).open()
        for task_id in (dead, dropped):
            scripts.accept(task_id)
            scripts.park(task_id)

        look = console.look()
        assert look["dead"]["count"] == 2
        assert [each["kind"] for each in look["processes"]] == ["console"]
        assert console.get("hour").status_code == 200
        assert console.get("find", id=dead).status_code == 200
        assert console.get("find", id=batch_id).status_code == 200
        assert len(console.get("dead-letters").json()["letters"]) == 2
        assert console.act("dead-letters/drop", id=dropped).json()["changed"] == 1
        assert console.act("dead-letters/requeue", all=True, until=time.time() + 1).json()["changed"] == 1
        assert console.act("batches/cancel", id=batch_id).json() == {"ok": True, "changed": True}
        assert console.act("pause", what="all").json()["changed"] is True
        assert console.act("pause", what="nothing").json()["changed"] is True
    assert "NOPERM" not in console.running.log()


@pytest.mark.parametrize(
    "command",
    [
        ("RPOP", QUEUE),
        ("BLMPOP", 1, 1, QUEUE, "RIGHT"),
        ("KEYS", "*"),
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
        ("XTRIM", EVENTS_KEY, "MAXLEN", 0),
        ("GET", "intake:rate:me"),
        ("EVAL", "return 1", 0),
    ],
)
def test_the_user_may_nothing_beside_it(server: RedisServer, command: tuple[str, ...]) -> None:
    with client_as(server, USER) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command)
