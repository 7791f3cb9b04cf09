"""One try against a receiver, for the tests of what sends."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from tests.notifier.samples import sender
from tests.support.receiver import a_receiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from notifier.sending.answers import Answer
    from tests.support.receiver import Exchange, Receiver

BODY: Final = json.dumps({"type": "customer.created", "data": {"task": "t", "customer": "c"}}).encode()
"""What is sent."""


def sent(receiver: Receiver, *, host: str = "127.0.0.1", times: int = 1, **options: Any) -> list[Answer]:
    """Send one after the other over one sender."""

    async def run() -> list[Answer]:
        async with sender(f"http://{host}:{receiver.port}/hooks?key=1", **options) as sending:
            return [await sending.send("evt_1", BODY) for _ in range(times)]

    return asyncio.run(run())


def answer_to(behave: Callable[[Exchange], None], **options: Any) -> Answer:
    """What comes of one try where the receiver behaves like this."""
    with a_receiver(behave) as receiver:
        (answer,) = sent(receiver, **options)
    return answer
