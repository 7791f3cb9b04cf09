"""A worker that has said that it ends says nothing more."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from schemas.protocol.overall import PROCESSES_KEY
from startup.identity import Identity
from worker.promise.announcements import Announcements

if TYPE_CHECKING:
    import redis

    from schemas.protocol.overview import Details


def test_a_worker_that_has_left_is_not_told_of_again(redis_client: redis.Redis) -> None:
    """It lives on for some seconds, in which it sends its last spans, and announces itself all the while."""
    identity = Identity("worker")
    details = identity.details(holds={}, done=0, taking=False)
    announcements = Announcements(redis_client, name=identity.name, details=lambda: details)
    announcements.announce()
    assert redis_client.hkeys(PROCESSES_KEY) == [identity.name.encode()]
    announcements.leave()
    announcements.announce()
    assert redis_client.hkeys(PROCESSES_KEY) == []


def test_an_announcement_that_has_begun_does_not_come_after_the_leave(redis_client: redis.Redis) -> None:
    identity = Identity("worker")
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> Details:
        begun.set()
        assert may_end.wait(10)
        return identity.details(holds={}, done=0, taking=True)

    announcements = Announcements(redis_client, name=identity.name, details=slow)
    announcing = threading.Thread(target=announcements.announce)
    announcing.start()
    assert begun.wait(10)
    leaving = threading.Thread(target=announcements.leave)
    leaving.start()
    leaving.join(0.2)
    may_end.set()
    for thread in (announcing, leaving):
        thread.join(10)
    assert redis_client.hkeys(PROCESSES_KEY) == []
