"""Celery and kombu as this worker uses them: every setting with its reason, and what their classes are to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from celery import Celery
from celery.worker.state import maybe_shutdown

from schemas.protocol.message import celery_routing
from startup.seldom import Seldom
from worker.consuming.health import HealthStep
from worker.consuming.transport import Channel, Transport
from worker.dependencies.broker import error_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from startup.broker.redis_url import RedisUrl
    from worker.dependencies.gate import Gate
    from worker.metrics import WorkerMetrics
    from worker.promise.leases import Leases
    from worker.promise.records import RedisRecords
    from worker.settings import WorkerSettings

REDIS_TIMEOUT_SECONDS: Final = 5.0
"""How long one command may take: past it the connection is taken for dead, as behind a firewall that forgot it."""

_LOOK_AGAIN_SECONDS: Final = 0.1
"""At the gate of the broker, before the worker connects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What consuming is connected with."""

    gates: Sequence[Gate]
    """Tasks are taken while all are open."""
    broker_gate: Gate
    """The one of them that is Redis'."""
    records: RedisRecords
    leases: Leases
    metrics: WorkerMetrics


def celery_app(settings: WorkerSettings, wiring: Wiring, *, stopping: threading.Event) -> Celery:
    """The app with every setting that differs from Celery's own; no task is registered yet."""
    app = Celery("customer-intake", set_as_current=False)
    redis_url = settings.shared.redis_url
    app.conf.update(
        **celery_routing(),
        # Without user and password, which Celery and kombu could put into a line: the channel knows them.
        broker_url=redis_url.address,
        # kombu's own, without its book of deliveries: see there.
        broker_transport=_transport(wiring, redis_url, stopping),
        # kombu takes TLS from here where the transport is given as a class.
        broker_use_ssl=redis_url.tls_arguments() or None,
        # A message counts against the prefetch until its task has ended; redelivery is the sweeper's.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # FINISH writes each outcome to where AsyncResult of any Celery client looks for it; a Celery result of our own
        # would be a second, different truth. So the worker has no result backend.
        task_ignore_result=True,
        # No remote control: whoever reaches Redis could stop workers by it, and it writes to Redis as the worker
        # starts, which a Redis that is full refuses; then nothing would drain. Metrics and the health file tell more.
        worker_enable_remote_control=False,
        # Nothing is sent for each task that nobody asked for; `celery events` can switch it on.
        worker_send_task_events=False,
        task_send_sent_event=False,
        # A thread's next group gathers while the threads work on others; what one worker holds no other can work.
        worker_prefetch_multiplier=settings.prefetch_multiplier,
        # Tasks cost alike, so nothing is to be gained by the pool's own ideas; times are the protocol's business.
        task_time_limit=None,
        task_soft_time_limit=None,
        broker_connection_retry_on_startup=True,
        broker_connection_retry=True,
        broker_connection_max_retries=None,
        # What a Redis that fails over answers (READONLY, UNBLOCKED) is to kombu an error of the channel, not of the
        # connection; by default Celery ends the worker for it.
        broker_channel_error_retry=True,
        # What runs goes on when the connection drops; FINISH has a connection of its own.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_transport_options={
            # Who holds what is said by leases in the task records.
            "ack_emulation": False,
            # One queue, one list: no priorities.
            "priority_steps": [0],
            "socket_timeout": REDIS_TIMEOUT_SECONDS,
            "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
            "socket_keepalive": True,
            # A half-open connection is found within about twice this.
            "health_check_interval": 5,
        },
        # The logs are ours (startup/logs.py), and nobody types into a worker.
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    told = {"path": settings.health_file, "held": staticmethod(wiring.leases.count), "gates": wiring.gates}
    app.steps["consumer"].add(type("HealthStep", (HealthStep,), told))
    return app


def _transport(wiring: Wiring, redis_url: RedisUrl, stopping: threading.Event) -> type[Transport]:
    gate = wiring.broker_gate
    losses = Seldom()

    def lose(error: Exception) -> None:
        # Once in a while connections are lost, and a new one is made at once. One after the other needs gaps.
        if not losses.is_due("connection"):
            gate.close(error_of(error))

    def wait_until_usable() -> None:
        maybe_shutdown()
        while not gate.is_open:
            stopping.wait(_LOOK_AGAIN_SECONDS)
            maybe_shutdown()

    # kombu makes transports and channels itself, so that what they are to know stands in their classes.
    told_to_channel = {
        "may_take": staticmethod(lambda: all(each.is_open for each in wiring.gates)),
        "put_back": staticmethod(wiring.records.put_back_messages),
        "lost": staticmethod(lose),
        "refused": staticmethod(lambda error: gate.close(error_of(error))),
        "credentials": staticmethod(redis_url.credentials),
        "not_taken": staticmethod(wiring.metrics.message_not_taken),
    }
    channel = type("Channel", (Channel,), told_to_channel)
    return type("Transport", (Transport,), {"Channel": channel, "wait_until_usable": staticmethod(wait_until_usable)})
