"""A worker takes nothing before it knows whether work is paused, whatever Redis answers or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis

from schemas.protocol.steps.pausing import Paused, pause
from tests.support.records import Scripts
from tests.support.redis_users import ADMIN, client_as, redis_with_users
from worker.dependencies.errors import TransientError
from worker.promise import pauses as module
from worker.promise.pauses import Pauses

if TYPE_CHECKING:
    from pathlib import Path

    from local_stack.redis_server import RedisServer


def _taken(pauses: Pauses) -> tuple[bool, bool]:
    return pauses.takes_signups, pauses.takes_chunks


@pytest.mark.parametrize(
    ("what", "taken"),
    [(Paused.NOTHING, (True, True)), (Paused.BATCHES, (True, False)), (Paused.ALL, (False, False))],
)
def test_what_is_paused_is_not_taken_once_the_worker_has_looked(
    redis_client: redis.Redis, what: Paused, taken: tuple[bool, bool]
) -> None:
    Scripts(redis_client).run(pause(what, by="olga"))
    pauses = Pauses(redis_client)
    assert _taken(pauses) == (False, False)
    pauses.look()
    assert _taken(pauses) == taken


def test_a_worker_that_redis_did_not_answer_yet_takes_nothing(own_redis: RedisServer) -> None:
    with redis.Redis.from_url(own_redis.url, protocol=2, socket_timeout=0.2) as client:
        Scripts(client).run(pause(Paused.ALL, by="olga"))
        pauses = Pauses(client)
        own_redis.process.pause()
        with pytest.raises(TransientError):
            pauses.look()
        own_redis.process.resume()
        assert _taken(pauses) == (False, False)
        pauses.look()
        assert _taken(pauses) == (False, False)


def test_a_pause_is_known_before_anything_may_be_taken(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's loop asks at any moment, also while the line of the pause is written."""
    Scripts(redis_client).run(pause(Paused.ALL, by="olga"))
    pauses = Pauses(redis_client)
    asked: list[tuple[bool, bool]] = []

    class Log:
        def warning(self, *_: Any, **__: Any) -> None:
            asked.append(_taken(pauses))

    monkeypatch.setattr(module, "log", Log())
    pauses.look()
    assert asked == [(False, False)]


def test_while_redis_is_away_a_pause_holds_on(own_redis: RedisServer) -> None:
    with redis.Redis.from_url(own_redis.url, protocol=2, socket_timeout=0.2) as client:
        Scripts(client).run(pause(Paused.BATCHES, by="olga"))
        pauses = Pauses(client)
        pauses.look()
        own_redis.process.pause()
        with pytest.raises(TransientError):
            pauses.look()
        own_redis.process.resume()
        assert _taken(pauses) == (True, False)


def test_a_worker_that_may_not_ask_works_on(tmp_path: Path) -> None:
    with redis_with_users(tmp_path / "users") as server:
        with client_as(server, ADMIN) as admin:
            admin.execute_command("ACL", "SETUSER", "intake-worker", "-hmget")
        with client_as(server, "intake-worker") as client:
            pauses = Pauses(client)
            with pytest.raises(TransientError):
                pauses.look()
            assert _taken(pauses) == (True, True)
