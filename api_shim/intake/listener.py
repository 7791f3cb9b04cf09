"""One call that waits for an outcome, as whoever hears of outcomes sees it."""

from __future__ import annotations

import asyncio
from typing import Protocol


class ListenerOwner(Protocol):
    """Makes listeners and wakes them."""

    @property
    def draining(self) -> bool:
        """Whether the process shuts down, so that no call waits any more."""
        ...

    def forget(self, listener: Listener) -> None:
        """Wake this listener no more."""
        ...


class Listener:
    """One waiting call."""

    def __init__(self, task_id: str, owner: ListenerOwner, *, admitted: bool) -> None:
        """With `admitted` false there was no room for this call, so waiting is not possible."""
        self.task_id = task_id
        self._owner = owner
        self._admitted = admitted
        self.channel = ""
        """The channel that the task's record must name for this call to hear the outcome. Empty where it listens to the
        task's own channel, or to none."""
        self._news = False
        self._waiting: asyncio.Future[None] | None = None
        self._published: bytes | None = None

    @property
    def worth_waiting(self) -> bool:
        """Whether waiting is possible: there was room for this call, and the process does not shut down."""
        return self._admitted and not self._owner.draining

    async def wait(self, seconds: float) -> bytes | None:
        """Return when there may be news, or after the seconds: the outcome that was published, or None."""
        if not self._news:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            alarm = loop.call_later(seconds, self._stop_waiting)
            try:
                await self._waiting
            finally:
                alarm.cancel()
                self._waiting = None
        self._news = False
        return self._published

    def close(self) -> None:
        """Stop listening. Further calls do nothing."""
        self._owner.forget(self)

    def wake(self, published: bytes | None = None) -> None:
        """End the wait, with the outcome that was published. Without one the call is to look for itself."""
        if published is not None:
            self._published = published
        self._news = True
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
