"""A chunk of an ordered batch kills its worker again and again. So it is halved, and its halves are halved too."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from schemas.protocol.batch_keys import OPEN_ROWS_KEY, WAITING_CHUNKS_KEY
from tests.faults.harness.arena import Arena
from tests.faults.harness.batch_client import BatchClient, outcomes_of
from tests.faults.harness.batch_rows import email_of, hashed_row, hashed_rows
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ROWS: Final = 700
"""How many rows have an email of their own. As many others want the same emails: six chunks in all."""
_KILLS: Final = 4
"""How many workers die: two at the whole chunk, one at its left half, one at the left half of that. Each is halved."""


def _everyone_twice() -> Iterator[bytes]:
    yield from hashed_rows(_ROWS)
    for number in range(1, _ROWS + 1):
        later = hashed_row(_ROWS + number)
        yield later.replace(email_of(_ROWS + number).encode(), email_of(number).encode())


@pytest.mark.slow
def test_in_an_ordered_batch_the_first_row_with_an_email_wins_also_where_chunks_are_halved(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    with Arena(tmp_path / "arena") as arena, arena.redis_client() as redis:
        client = BatchClient(arena, _everyone_twice, ordered="true")
        batch_id = client.upload()
        assert redis.zcard(WAITING_CHUNKS_KEY) == 5, "all chunks but the first wait"
        hook = {"FAULT_HOOK": "before_finish_chunk", "FAULT_FLAG": str(flag)}
        start = partial(arena.start_worker, module="tests.faults.harness.hooked_worker", wait=False, **hook)
        flag.touch()
        worker = start()
        for number in range(_KILLS):
            wait_until(lambda: not worker.alive, timeout=60, what="it is killed before it finishes")
            arena.kills += 1
            if number < _KILLS - 1:
                flag.touch()
            arena.restart_worker(worker)

        told = client.read(batch_id)

        assert [row.row for row in told] == list(range(1, 2 * _ROWS + 1))
        assert outcomes_of(told[:_ROWS]) == {"created": _ROWS}
        assert outcomes_of(told[_ROWS:]) == {"duplicate_key": _ROWS}
        assert worker.log_path.read_text().count('"event": "chunk_halved"') == 3
        assert len(arena.customers()) == _ROWS
        assert redis.zcard(WAITING_CHUNKS_KEY) == 0
        assert int(redis.get(OPEN_ROWS_KEY) or 0) == 0
