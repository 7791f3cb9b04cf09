"""The Celery app of this worker, and what the classes of Celery and kombu are to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from celery import Celery
from celery.worker.state import maybe_shutdown

from startup.broker.redis_clients import connection_class, sentinel_arguments
from startup.seldom import Seldom
from worker.consuming.celery_settings import celery_settings
from worker.consuming.health import HealthStep
from worker.consuming.transport import Channel, Transport
from worker.dependencies.broker import error_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from startup.broker.redis_url import RedisUrl
    from worker.consuming.chunks import Chunks
    from worker.dependencies.gate import Gate
    from worker.metrics import WorkerMetrics
    from worker.promise.leases import Leases
    from worker.promise.pauses import Pauses
    from worker.promise.records import RedisRecords
    from worker.settings import WorkerSettings

_LOOK_AGAIN_SECONDS: Final = 0.1
"""How often a worker that wants to connect looks whether the gate of the broker is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The parts of the worker that consuming uses."""

    gates: Sequence[Gate]
    """The worker takes tasks while all of these are open."""
    broker_gate: Gate
    """The gate of Redis, one of `gates`."""
    pauses: Pauses
    """What an operator lets it take."""
    records: RedisRecords
    chunks: Chunks
    leases: Leases
    metrics: WorkerMetrics
    drop_connections: Callable[[], object]
    """Closes the unused connections to Redis on which the protocol's calls are made."""


def celery_app(settings: WorkerSettings, wiring: Wiring, *, stopping: threading.Event) -> Celery:
    """The app, on which no task is registered yet."""
    redis_url = settings.shared.redis_url
    app = Celery("customer-intake", set_as_current=False)
    app.conf.update(
        celery_settings(redis_url, prefetch_multiplier=settings.prefetch_multiplier),
        # kombu's Redis transport, without its book of deliveries.
        broker_transport=_transport(wiring, redis_url, stopping),
    )
    told = {"path": settings.health_file, "held": staticmethod(wiring.leases.count), "gates": wiring.gates}
    app.steps["consumer"].add(type("HealthStep", (HealthStep,), told))
    return app


def _transport(wiring: Wiring, redis_url: RedisUrl, stopping: threading.Event) -> type[Transport]:
    gate = wiring.broker_gate
    losses = Seldom()
    # One for all channels: it knows which Sentinel has answered.
    sentinels = sentinel_arguments(redis_url)

    def lose(error: Exception) -> None:
        # A connection that is lost now and then is replaced at once. If several are lost in a row, wait between them.
        if not losses.is_due("connection"):
            gate.close(error_of(error))

    def wait_until_usable() -> None:
        maybe_shutdown()
        while not gate.is_open:
            stopping.wait(_LOOK_AGAIN_SECONDS)
            maybe_shutdown()

    # kombu creates transports and channels itself. So what they need is set on their classes.
    told_to_channel = {
        "may_take": staticmethod(lambda: wiring.pauses.takes_signups and all(each.is_open for each in wiring.gates)),
        "room_for_chunks": staticmethod(lambda: wiring.chunks.room if wiring.pauses.takes_chunks else 0),
        "put_back": staticmethod(wiring.records.put_back_messages),
        "lost": staticmethod(lose),
        # Each call on another old connection to a server that is gone without a word would wait for its whole time.
        "renewed": staticmethod(wiring.drop_connections),
        "refused": staticmethod(lambda error: gate.close(error_of(error))),
        "connection_arguments": staticmethod(lambda: {**redis_url.credentials(), **sentinels}),
        "not_taken": staticmethod(wiring.metrics.message_not_taken),
        # kombu takes the second of these with TLS.
        **dict.fromkeys(("connection_class", "connection_class_ssl"), connection_class(redis_url)),
    }
    channel = type("Channel", (Channel,), told_to_channel)
    return type("Transport", (Transport,), {"Channel": channel, "wait_until_usable": staticmethod(wait_until_usable)})
