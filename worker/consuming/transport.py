"""kombu's Redis transport, taking several messages at a time and without the book of deliveries that it keeps in Redis.

kombu books each delivery and each acknowledgement in the Redis hash `unacked`. That takes two transactions a task, more
time than everything else that kombu does. It does not cover messages that were popped and not booked yet, and it breaks
when the connection is lost while tasks run (kombu 5.7 ends the consumer). The task's record does the same better: START
takes a lease in the same call that hands over the request, FINISH ends the lease, and the sweeper sends a task again
that has no lease. So kombu's option `ack_emulation` is off.

A channel that is closed has usually asked Redis for messages. Messages that the answer brings are off the queue
already, so they are read and put back. kombu would hand them to a consumer that is gone, and they would be missing
until the sweeper finds out.

kombu takes one message with each `BRPOP`. Here `BLMPOP` (Redis 7) takes all messages that wait, up to the prefetch
limit and `MESSAGES_A_CALL`. It waits for the first message only.

Signups go before chunks of batches. `BLMPOP` takes its messages from the first queue that has one, and a worker may
take only a chunk or two. So a call that asks both queues takes one message. If that is a signup, more may wait behind
it: the next calls ask for signups alone, many at a time and without waiting, until one brings fewer than it may. So a
flood of signups is taken as if there were no chunks.
"""

from __future__ import annotations

from queue import Empty
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import structlog
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

from schemas.protocol.lanes import CHUNKS, LANES, SIGNUPS, Lane
from startup.seldom import Seldom
from worker.consuming.incoming import NO_THREAD, Foreign, clean_message, read_message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MESSAGES_A_CALL: Final = 8
"""Most messages a call. One worker must not take messages that others, waiting beside it, could begin at once."""

_SOON_SECONDS: Final = 0.02
"""How long a call for signups alone waits while the worker has all chunks that it may have. It soon has room again.

An idle Redis looks ten times a second which calls have waited long enough, so it may become a tenth of a second.
"""

log = structlog.get_logger("worker.transport")


class _QoS(virtual.QoS):
    """The prefetch limit, and whether this worker takes tasks at all."""

    def can_consume(self) -> bool:
        """Whether to ask for messages, or to read messages that were asked for already.

        The latter are always read: they are off the queue, and a worker that takes no tasks gives them back.
        """
        fits = bool(super().can_consume())  # type: ignore[no-untyped-call] # kombu publishes no types
        return fits and (self.channel.is_asking or self.channel.may_take())


class Channel(kombu_redis.Channel):
    """A channel that takes several messages at a time, and puts back messages that come after it was closed.

    It restores nothing: a task that its worker drops has a lease that runs out. It knows one queue, without priorities
    and without a prefix of keys.
    """

    do_restore = False

    may_take: Callable[[], bool] = staticmethod(lambda: True)
    """Whether this worker takes tasks. worker.consuming.celery_app sets this and the following on a subclass."""

    room_for_chunks: Callable[[], int] = staticmethod(lambda: 0)
    """How many chunks this worker may take."""

    put_back: Callable[[Sequence[bytes], Lane], object] = staticmethod(lambda _messages, _lane: None)
    """Puts messages back at the head of a lane's queue."""

    connection_arguments: Callable[[], dict[str, Any]] = staticmethod(dict)
    """User and password. kombu does not know them, so they cannot be in its log lines and errors.

    With Sentinels also what the classes of connections, which are set as well, want to know.
    """

    not_taken: Callable[[str], None] = staticmethod(lambda _reason: None)
    """Counts a message that was dropped."""

    lost: Callable[[Exception], object] = staticmethod(lambda _error: None)
    """Called when the connection was lost on which messages were asked for."""

    renewed: Callable[[], object] = staticmethod(lambda: None)
    """Called when kombu makes a connection in place of one that was lost, or that its server did not answer."""

    refused: Callable[[Exception], object] = staticmethod(lambda _error: None)
    """Called when Redis has refused to give messages, so that it is not asked again at once."""

    _seldom = Seldom()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call] # kombu publishes no types
        self.QoS = _QoS  # type: ignore[assignment] # as above
        self._most_asked = 0
        self._is_unanswered = False
        self._more_signups = False

    @property
    def is_asking(self) -> bool:
        """Whether Redis has been asked for messages and has not answered yet."""
        return bool(self._in_poll)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connparams(asynchronous=asynchronous)  # type: ignore[no-untyped-call] # as above
        return {**parameters, **self.connection_arguments()}

    def close(self) -> None:
        """Close the channel. Messages that it has asked for are read first and put back."""
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
            # Redis popped nothing, or its answer is lost and the sweeper finds the tasks.
            return
        finally:
            self._is_unanswered = False
            self._in_poll = None  # type: ignore[assignment] # as above
        if not reply:
            return
        queue, messages = reply
        try:
            self.put_back(messages, _LANE_OF_QUEUE[queue.decode()])
        except Exception as error:
            log.warning("not_put_back", messages=len(messages), exc_info=error)

    def _brpop_start(self, timeout: float | None = None) -> None:
        if self._is_unanswered:
            self._is_unanswered = False
            self.renewed()
        queues = self.active_queues
        if not queues:
            return
        room = self.qos.can_consume_max_estimate()
        count = MESSAGES_A_CALL if room is None else max(1, min(MESSAGES_A_CALL, room))
        waits: tuple[float, ...] = (self.brpop_timeout if timeout is None else timeout or 0,)
        if CHUNKS.queue in queues:
            if self._more_signups:
                # LMPOP: however short its time is, a BLMPOP that finds nothing takes an idle Redis a tenth of a second.
                queues, waits = [SIGNUPS.queue], ()
            elif self.room_for_chunks() > 0:
                queues, count = [SIGNUPS.queue, CHUNKS.queue], 1
            else:
                queues, waits = [SIGNUPS.queue], (min(*waits, _SOON_SECONDS),)
        connection = self.client.connection
        self._in_poll = connection
        self._most_asked = count
        self._is_unanswered = True
        self._brpop_sent_at = monotonic()  # type: ignore[assignment] # kombu publishes no types
        command = "BLMPOP" if waits else "LMPOP"
        connection.send_command(command, *waits, len(queues), *queues, "RIGHT", "COUNT", count)

    def _brpop_read(self, **options: Any) -> bool:
        try:
            try:
                reply = self.client.parse_response(self.client.connection, "BLMPOP", **options)
            except self.connection_errors as error:
                # As kombu does. The next turn of the loop connects anew.
                self.client.connection.disconnect()
                self.lost(error)
                raise
            except self.ResponseError as error:
                # Celery makes another connection, and resolves the name for it.
                self.refused(error)
                raise
            self._more_signups = False
            if not reply:
                raise Empty
            queue, messages = reply
            lane = _LANE_OF_QUEUE[queue.decode()]
            self._more_signups = lane is SIGNUPS and len(messages) == self._most_asked
            for message in messages:
                self._deliver_one(message, lane)
            return True
        finally:
            self._is_unanswered = False
            self._in_poll = None  # type: ignore[assignment] # kombu publishes no types
            self._flush_brpop_reauth()  # type: ignore[no-untyped-call]

    def _deliver_one(self, message: bytes, lane: Lane) -> None:
        read = read_message(message, lane)
        if isinstance(read, Foreign):
            self._drop(read, message)
            return
        try:
            self.connection._deliver(clean_message(read, lane), lane.queue)  # noqa: SLF001 - kombu's own way from a channel to its consumer
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must not suffer
            # This message is off the queue, and the messages that came with it must still be delivered. The task's
            # record is open, so the sweeper sends it again.
            self._drop(Foreign(NO_THREAD), message, error)

    def _drop(self, foreign: Foreign, message: bytes, error: Exception | None = None) -> None:
        self.not_taken(foreign.reason)
        if self._seldom.is_due(foreign.reason):
            fields = {"task": foreign.task} if foreign.task else {}
            log.error("message_not_taken", reason=foreign.reason, bytes=len(message), exc_info=error, **fields)


_LANE_OF_QUEUE: Final = {lane.queue: lane for lane in LANES}
"""Name of a queue → its lane."""


class Transport(kombu_redis.Transport):
    """kombu's Redis transport with this channel. It connects only to a Redis that can be used.

    Where Redis answers and refuses, Celery would try again at once, up to twenty times a second.
    """

    Channel = Channel

    wait_until_usable: Callable[[], object] = staticmethod(lambda: None)
    """Returns when it is worth while to connect, or raises what ends the worker. Set like the channel's attributes."""

    def establish_connection(self) -> Any:
        """Connect as soon as Redis can be used."""
        while True:
            self.wait_until_usable()
            try:
                connection = super().establish_connection()  # type: ignore[no-untyped-call] # kombu publishes no types
            except (*self.connection_errors, *self.channel_errors) as error:
                self.Channel.refused(error)
            else:
                self.Channel.renewed()
                return connection
