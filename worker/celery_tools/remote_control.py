"""Listens to Celery's remote control, `celery inspect` among others, and replies. It can only read.

Celery's own remote control is not used: whoever reaches Redis could stop workers by it, shrink their pools, or have
them take other queues. It also shares the connection on which tasks are taken. A full Redis refuses what it writes, and
then the worker would not drain that Redis.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from celery.worker.control import Panel
from kombu import Consumer, Exchange, Producer, Queue

from startup.seldom import Seldom
from worker.celery_tools.commands import REFUSED
from worker.celery_tools.connection import stay_connected

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from kombu import Connection, Message
    from kombu.clocks import LamportClock

    from worker.celery_tools.commands import Commands

COMMANDS_EXCHANGE: Final = "celery.pidbox"
"""Where Celery's tools send commands to all workers."""

REPLIES_EXCHANGE: Final = "reply.celery.pidbox"
"""Where they expect replies."""

_TURN_SECONDS: Final = 1.0
"""How long to wait for a command before looking whether the worker stops, and whether the connection lives."""

_ASKED_OFTEN: Final = ("conf", "disable_events", "enable_events", "heartbeat")
"""Flower and event receivers send these again and again, so a refusal is no news.

The settings alone say whether there are events. The configuration is nobody's business who reaches Redis.
"""

log = structlog.get_logger("worker.celery_tools")


class RemoteControl:
    """Answers commands in a thread of its own. Failures are logged, and the worker goes on."""

    def __init__(
        self, connect: Callable[[], Connection], commands: Commands, *, node: str, clock: LamportClock
    ) -> None:
        """`node` is the worker's name among Celery's workers."""
        self._connect = connect
        self._commands = commands
        self._node = node
        self._clock = clock
        self._seldom = Seldom()

    def run(self, stopping: threading.Event) -> None:
        """Answer until the worker stops."""
        stay_connected(self._connect, partial(self._listen, stopping), stopping, on_failed=self._tell)

    def _tell(self, error: Exception) -> None:
        if self._seldom.is_due("failed"):
            log.warning("remote_control_failed", exc_info=error)

    def _listen(self, stopping: threading.Event, connection: Connection) -> None:
        channel = connection.channel()
        commands = Exchange(COMMANDS_EXCHANGE, type="fanout", durable=False, delivery_mode="transient")
        queue = Queue(f"{self._node}.{COMMANDS_EXCHANGE}", exchange=commands, durable=False)
        replies = Exchange(REPLIES_EXCHANGE, type="direct", durable=False, delivery_mode="transient")
        producer = Producer(channel, exchange=replies, serializer="json", auto_declare=False)

        def on_message(message: Message) -> None:
            try:
                self._answer(message.payload, lambda reply, **to: producer.publish(reply, declare=[replies], **to))
            except Exception as error:
                # Also a reply that Redis refused. The next command is listened for.
                if self._seldom.is_due("command"):
                    log.warning("remote_command_failed", exc_info=error)

        with Consumer(channel, [queue], no_ack=True, accept=["json"], on_message=on_message):
            while not stopping.is_set():
                try:
                    connection.drain_events(timeout=_TURN_SECONDS)
                except TimeoutError:
                    # Asks Redis for a sign of life, so that a half-open connection is noticed.
                    connection.transport.cycle.maybe_check_subclient_health()

    def _answer(self, request: Any, reply: Callable[..., object]) -> None:
        destination = request.get("destination")
        # A pattern of the sender's could hold this process for as long as it takes to match, so none is looked at.
        if request.get("pattern") or (destination is not None and self._node not in destination):
            return
        command, back = request.get("method"), request.get("reply_to")
        answer = self._commands.answer(command, request.get("arguments") or {})
        # Only a name that Celery has: a foreign text is not for logs.
        known = command if isinstance(command, str) and command in Panel.meta else "unknown"
        if answer is REFUSED and known not in _ASKED_OFTEN and self._seldom.is_due(known):
            log.warning("remote_command_refused", command=known)
        if back and back["exchange"] == REPLIES_EXCHANGE:
            headers = {"ticket": request.get("ticket"), "clock": self._clock.forward()}
            reply({self._node: answer}, routing_key=str(back["routing_key"]), headers=headers)
