"""Messages that kombu has popped and not yet noted when its process dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.protocol.keys import QUEUE
from tests.faults.harness.arena import Arena
from tests.faults.harness.history import Client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Judge


def test_a_message_that_a_frozen_and_killed_worker_had_popped_is_sent_again(tmp_path: Path, judge: Judge) -> None:
    with Arena(tmp_path) as arena, arena.redis_client() as redis_client:
        worker = arena.start_worker()
        client = Client(arena)
        popped = False
        while not popped:
            worker.pause()
            client.submit()
            # Redis answers a waiting BRPOP with the message itself. Where no BRPOP waited at that moment, try again.
            popped = redis_client.llen(QUEUE) == 0
            if not popped:
                worker.resume()
                client.collect(seconds=20)
        arena.kill(worker)
        arena.start_worker()

        verdict = judge(arena, client, seconds=30)

        assert verdict.resends >= 1, "it came back by other ways than the sweeper: the test did not provoke the loss"
