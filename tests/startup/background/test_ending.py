"""A task ends when it is canceled, though redis-py may keep a cancellation to itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from startup.background.ending import cancel_until_ended


def test_a_task_that_swallows_a_cancellation_is_canceled_again() -> None:
    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def run() -> list[bool]:
        tasks = [asyncio.create_task(stubborn()), asyncio.create_task(asyncio.sleep(0))]
        await asyncio.sleep(0)
        await cancel_until_ended(tasks)
        return [task.done() for task in tasks]

    assert asyncio.run(run()) == [True, True]
