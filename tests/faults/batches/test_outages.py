"""A batch that runs while Redis or MongoDB goes away, or connections are lost."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from schemas.protocol.keys import HELD_KEY
from schemas.protocol.lanes import CHUNKS
from tests.faults.harness.arena import Arena
from tests.faults.harness.batch_check import chunk_records
from tests.faults.harness.batch_client import BatchClient, outcomes_of
from tests.faults.harness.batch_rows import hashed_rows
from tests.faults.harness.tcp_proxy import TcpProxy, Way
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import JudgeOfRows

pytestmark = pytest.mark.slow

_ROWS: Final = 5000


def _at_each(step: int, do: Callable[[], None]) -> Callable[[int], None]:
    """Do something once each time that this number of further rows was sent or read."""
    done = 0

    def gate(place: int) -> None:
        nonlocal done
        if place >= (done + 1) * step:
            done += 1
            do()

    return gate


def test_a_redis_that_is_restarted_in_mid_upload_and_in_mid_read_is_waited_for(
    tmp_path: Path, judge_rows: JudgeOfRows
) -> None:
    with Arena(tmp_path) as arena:
        arena.start_worker()
        client = BatchClient(arena, partial(hashed_rows, _ROWS))

        def restart() -> None:
            arena.kill(arena.redis.process)
            arena.redis.start()

        batch_id = client.upload(gate=_at_each(2000, restart))
        told = client.read(batch_id, gate=_at_each(2000, restart))

        assert client.calls == 1, "the client was held up, and nothing else"
        assert outcomes_of(told) == {"created": _ROWS}
        assert judge_rows(arena, batch_id, told, rows=_ROWS)
        assert arena.kills == 4


def test_uploads_and_reads_whose_connections_are_reset_are_made_good_by_the_same_calls(
    tmp_path: Path, judge_rows: JudgeOfRows
) -> None:
    dice = random.Random(5)
    with Arena(tmp_path) as arena, TcpProxy(arena.port) as proxy:
        arena.start_worker()
        url = arena.url.replace(str(arena.port), str(proxy.port))
        client = BatchClient(arena, partial(hashed_rows, _ROWS), url=url)
        for _ in range(6):
            # The body has about a megabyte.
            proxy.reset_after(Way.REQUESTS, dice.randrange(900_000))
            assert client.try_upload() is None
        proxy.reset_after(Way.REPLIES, 0)
        assert client.try_upload() is None, "all was accepted, and the 202 was lost"
        batch_id = client.upload()

        def reset_all() -> None:
            proxy.reset()

        told = client.read(batch_id, gate=_at_each(700, reset_all))

        assert client.calls == 8
        assert outcomes_of(told).keys() <= {"created", "repeated"}
        judge_rows(arena, batch_id, told, rows=_ROWS)


def test_resets_between_the_services_parts_hold_up_a_batch_and_fail_no_row(
    tmp_path: Path, judge_rows: JudgeOfRows
) -> None:
    dice = random.Random(6)
    with Arena(tmp_path, links=True) as arena:
        arena.start_worker()
        client = BatchClient(arena, partial(hashed_rows, _ROWS))

        def reset_one() -> None:
            link = dice.choice(arena.links.all)
            link.reset()
            link.reset_after(dice.choice(list(Way)), dice.randrange(20_000))

        batch_id = client.upload(gate=_at_each(300, reset_one))
        told = client.read(batch_id, gate=_at_each(300, reset_one))

        assert client.calls == 1
        assert outcomes_of(told) == {"created": _ROWS}
        judge_rows(arena, batch_id, told, rows=_ROWS)
        assert all(process.alive for process in (arena.shim, *arena.workers))


def test_chunks_go_back_while_mongodb_is_away_and_no_start_is_counted(tmp_path: Path, judge_rows: JudgeOfRows) -> None:
    with Arena(tmp_path) as arena, arena.redis_client() as redis:
        arena.start_worker(INTAKE_MONGODB_AWAY_SECONDS="1")
        (member,) = arena.mongo.members
        client = BatchClient(arena, partial(hashed_rows, _ROWS))

        def stop() -> None:
            if member.process.alive:
                arena.kill(member.process)

        batch_id = client.upload(gate=_at_each(2000, stop))
        assert client.calls == 1, "accepting needs no MongoDB"
        wait_until(lambda: redis.zcard(HELD_KEY) == 0, timeout=60, what="the worker has given its chunks back")
        unfinished = [each for each in chunk_records(arena, batch_id) if each["state"] != b"SUCCESS"]
        assert unfinished
        assert {each["starts"] for each in unfinished} == {b"0"}
        assert redis.llen(CHUNKS.queue) == len(unfinished)
        member.start()

        told = client.read(batch_id)

        assert outcomes_of(told) == {"created": _ROWS}
        assert {each["starts"] for each in chunk_records(arena, batch_id)} == {b"1"}
        assert judge_rows(arena, batch_id, told, rows=_ROWS).resends == 0
