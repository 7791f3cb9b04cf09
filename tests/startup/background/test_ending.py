"""A task ends when it is canceled, though redis-py may keep a cancellation to itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from startup.background.ending import cancel_until_ended
from startup.background.vital_task import VitalTask


async def _stubborn() -> None:
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.Event().wait()


def test_a_task_that_swallows_a_cancellation_is_canceled_again() -> None:
    async def run() -> list[bool]:
        tasks = [asyncio.create_task(_stubborn()), asyncio.create_task(asyncio.sleep(0))]
        await asyncio.sleep(0)
        await cancel_until_ended(tasks)
        return [task.done() for task in tasks]

    assert asyncio.run(run()) == [True, True]


def test_a_vital_task_that_swallows_a_cancellation_does_not_hold_up_the_end_of_its_process() -> None:
    async def run() -> bool:
        task = VitalTask("a_task", _stubborn)
        task.start()
        await asyncio.sleep(0)
        await task.close()
        return task.alive

    assert asyncio.run(run()) is False
