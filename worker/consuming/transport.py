"""kombu's Redis transport, taking several messages at a time and without the book of deliveries that it keeps in Redis.

kombu books each delivery and each acknowledgement in `unacked`, which takes two transactions a task and more time than
all else that it does, does not cover what was popped and not yet booked, and breaks when the connection is lost while
tasks run (kombu 5.7 ends the consumer). The task's record does the same better: START takes a lease with the same call
that hands over the request, FINISH ends it, and the sweeper sends again what no worker holds. So acknowledgements
are not emulated (kombu's option `ack_emulation`).

A channel that ends has usually asked for messages. What the answer brings is off the queue already, so that it is read
and put back: kombu would hand it to a consumer that is gone, and it would be missed for as long as the sweeper waits.

kombu takes one message with each `BRPOP`. Here `BLMPOP` (Redis 7) takes what waits, as far as the prefetch limit lets
it and not more than `MESSAGES_A_CALL`; it waits for nothing beyond the first.
"""

from __future__ import annotations

from queue import Empty
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import structlog
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

from startup.seldom import Seldom
from worker.consuming.incoming import NO_THREAD, Foreign, clean_message, read_message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MESSAGES_A_CALL: Final = 8
"""A bound, so that one worker does not take what others, waiting beside it, could work at once."""

log = structlog.get_logger("worker.transport")


class _QoS(virtual.QoS):
    """The prefetch limit, and whether this worker takes tasks at all."""

    def can_consume(self) -> bool:
        """Whether to ask for messages, or to read those that were asked for already.

        These are read in any case: they are off the queue, and whoever gets them gives them back.
        """
        fits = bool(super().can_consume())  # type: ignore[no-untyped-call] # kombu publishes no types
        return fits and (self.channel.is_asking or self.channel.may_take())


class Channel(kombu_redis.Channel):
    """A channel that takes several messages at a time, and puts back those that came for nobody.

    What its worker holds is worked on, or its lease runs out. One queue and one list: no priorities, no key prefix.
    """

    do_restore = False

    may_take: Callable[[], bool] = staticmethod(lambda: True)
    """Whether this worker takes tasks; set by the composition root on a subclass."""

    put_back: Callable[[Sequence[bytes]], object] = staticmethod(lambda _messages: None)
    """Puts messages back at the queue's head; set alike."""

    credentials: Callable[[], dict[str, Any]] = staticmethod(dict)
    """User and password, which kombu does not know, so that none of its texts has them; set alike."""

    not_taken: Callable[[str], None] = staticmethod(lambda _reason: None)
    """Counts a message that was dropped; set alike."""

    lost: Callable[[Exception], object] = staticmethod(lambda _error: None)
    """Told when the connection was lost that messages were asked for on; set alike."""

    refused: Callable[[Exception], object] = staticmethod(lambda _error: None)
    """Told when Redis has refused a message, so that it is not asked again at once; set alike."""

    _seldom = Seldom()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call] # kombu publishes no types
        self.QoS = _QoS  # type: ignore[assignment] # as above

    @property
    def is_asking(self) -> bool:
        """Whether Redis has been asked for messages and has not answered yet."""
        return bool(self._in_poll)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connparams(asynchronous=asynchronous)  # type: ignore[no-untyped-call] # as above
        return {**parameters, **self.credentials()}

    def close(self) -> None:
        """End the channel, after what it has asked for has come and is put back."""
        self._stop_asking()
        super().close()  # type: ignore[no-untyped-call] # as above

    def _basic_cancel(self, consumer_tag: str) -> None:
        self._stop_asking()
        super()._basic_cancel(consumer_tag)  # type: ignore[no-untyped-call] # as above

    def _stop_asking(self) -> None:
        if not self._in_poll:
            return
        try:
            # Redis answers within `brpop_timeout`, a second.
            reply = self.client.parse_response(self.client.connection, "BLMPOP")
        except (*self.connection_errors, self.ResponseError):
            # Nothing was popped, or nobody can know.
            return
        finally:
            self._in_poll = None  # type: ignore[assignment] # as above
        if not reply:
            return
        _, messages = reply
        try:
            self.put_back(messages)
        except Exception as error:
            log.warning("not_put_back", messages=len(messages), exc_info=error)

    def _brpop_start(self, timeout: float | None = None) -> None:
        queues = self.active_queues
        if not queues:
            return
        room = self.qos.can_consume_max_estimate()
        count = MESSAGES_A_CALL if room is None else max(1, min(MESSAGES_A_CALL, room))
        connection = self.client.connection
        self._in_poll = connection
        self._brpop_sent_at = monotonic()  # type: ignore[assignment] # kombu publishes no types
        seconds = self.brpop_timeout if timeout is None else timeout
        connection.send_command("BLMPOP", seconds or 0, len(queues), *queues, "RIGHT", "COUNT", count)

    def _brpop_read(self, **options: Any) -> bool:
        try:
            try:
                reply = self.client.parse_response(self.client.connection, "BLMPOP", **options)
            except self.connection_errors as error:
                # As kombu does: the next turn of the loop connects anew.
                self.client.connection.disconnect()
                self.lost(error)
                raise
            except self.ResponseError as error:
                # Celery begins anew with another connection, and looks the name up for it.
                self.refused(error)
                raise
            if not reply:
                raise Empty
            queue, messages = reply
            for message in messages:
                self._deliver_one(message, queue.decode())
            return True
        finally:
            self._in_poll = None  # type: ignore[assignment] # kombu publishes no types
            self._flush_brpop_reauth()  # type: ignore[no-untyped-call]

    def _deliver_one(self, message: bytes, queue: str) -> None:
        read = read_message(message)
        if isinstance(read, Foreign):
            self._drop(read, message)
            return
        try:
            self.connection._deliver(clean_message(read), queue)  # noqa: SLF001 - kombu's own way from a channel to its consumer
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must not suffer
            # It is off the queue; those that came with it must not go the same way. Its record is still open, and the
            # sweeper sends it again.
            self._drop(Foreign(NO_THREAD), message, error)

    def _drop(self, foreign: Foreign, message: bytes, error: Exception | None = None) -> None:
        self.not_taken(foreign.reason)
        if self._seldom.is_due(foreign.reason):
            fields = {"task": foreign.task} if foreign.task else {}
            log.error("message_not_taken", reason=foreign.reason, bytes=len(message), exc_info=error, **fields)


class Transport(kombu_redis.Transport):
    """kombu's Redis transport with that channel, which connects only to a Redis that can be used.

    Celery itself tries again at once, up to twenty times a second, where Redis answers and refuses.
    """

    Channel = Channel

    wait_until_usable: Callable[[], object] = staticmethod(lambda: None)
    """Returns when it is worth while to connect, or raises what ends the worker; set as those of the channel."""

    def establish_connection(self) -> Any:
        """Connect, as soon as that can be done."""
        while True:
            self.wait_until_usable()
            try:
                return super().establish_connection()  # type: ignore[no-untyped-call] # kombu publishes no types
            except (*self.connection_errors, *self.channel_errors) as error:
                self.Channel.refused(error)
