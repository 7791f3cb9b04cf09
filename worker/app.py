"""The worker put together: settings, clients, use case, Celery app and housekeeping."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from celery import Celery, bootsteps, signals
from celery.apps.worker import install_worker_int_handler, install_worker_term_handler
from prometheus_client import start_http_server
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis.backoff import NoBackoff
from redis.retry import Retry

from schemas.ids import IdDeriver
from schemas.protocol.message import PLACEHOLDER_ID, MessageTemplate
from schemas.sealing import Unsealer
from startup.broker.redis_clients import redis_client
from startup.environment import SettingsError
from worker.consuming.celery_app import REDIS_TIMEOUT_SECONDS, Wiring, celery_app
from worker.consuming.groups import Groups
from worker.consuming.tasks import register_tasks
from worker.customer.create_customer import CreateCustomer
from worker.customer.customers import DATABASE, MongoCustomers
from worker.customer.passwords import Argon2Passwords
from worker.customer.signups import SignupReader
from worker.dependencies.broker import BROKER, BrokerProbe
from worker.dependencies.gate import Gate
from worker.dependencies.patience import Patience
from worker.metrics import WorkerMetrics
from worker.periodic import run_periodically
from worker.promise.leases import Leases, renewal_seconds
from worker.promise.records import RedisRecords
from worker.promise.sweeper import MISSED_INTERVALS, Sweeper
from worker.promise.turnstile import Turnstile

if TYPE_CHECKING:
    from worker.settings import WorkerSettings

SHUTDOWN_SECONDS: Final = 28.0
"""A warm shutdown that takes longer ends the process: what it held is delivered again, and the protocol allows that."""

_RECHECK_SECONDS: Final = 10.0
"""Between two looks at a Redis that can be used, as far as is known."""

UNBEGUN_SECONDS: Final = 1.0
"""What a worker that stops has received and not begun by then is put back: others may have time for it."""

log = structlog.get_logger("worker")


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is put together and not started."""

    celery: Celery
    gates: tuple[Gate, ...]
    """One for each dependency: tasks are taken while all are open."""
    stopping: threading.Event
    metrics: WorkerMetrics
    settings: WorkerSettings


def build_worker(settings: WorkerSettings) -> Worker:
    """Make every client and connect every part; nothing is sent yet."""
    stopping = threading.Event()
    metrics = WorkerMetrics()
    client = redis_client(
        settings.shared.redis_url,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        socket_keepalive=True,
        health_check_interval=25,
        # One quiet repeat for a connection that a restart left dead in the pool; the rest is Patience's.
        retry=Retry(NoBackoff(), 1),
    )
    customers = MongoCustomers(_mongo_client(settings), database=settings.mongodb_database)
    gate = Gate(DATABASE, customers.prepare, metrics=metrics)
    broker_gate = Gate(BROKER, BrokerProbe(client, metrics=metrics, allowed=settings.redis_allowed), metrics=metrics)
    message = MessageTemplate()
    records = RedisRecords(
        client,
        message,
        result_ttl_seconds=settings.shared.result_ttl_seconds,
        lease_seconds=settings.visibility_timeout_seconds,
        unreadable_wait_seconds=settings.unreadable_wait_seconds,
    )
    create_customer = CreateCustomer(
        records=records,
        customers=customers,
        passwords=Argon2Passwords(settings.password_cost),
        signups=SignupReader(
            Unsealer(dict(settings.key_ring)),
            IdDeriver(settings.shared.id_key),
            rules=settings.rules,
            minimum_password_characters=settings.minimum_password_characters,
        ),
        patience=Patience(stopping, metrics, gate=gate, hold_seconds=settings.mongodb_away_seconds),
        turnstile=Turnstile(),
        metrics=metrics,
        hash_concurrency=settings.hash_concurrency,
        maximum_starts=settings.maximum_starts,
    )
    leases = Leases(client, lease_seconds=settings.visibility_timeout_seconds)
    groups = Groups(
        create_customer,
        leases,
        put_back=records.put_back,
        at_once=settings.concurrency,
        most_tasks=settings.prefetch_multiplier,
    )
    wiring = Wiring(gates=(gate, broker_gate), broker_gate=broker_gate, records=records, leases=leases, metrics=metrics)
    app = celery_app(settings, wiring, stopping=stopping)
    register_tasks(app, groups)
    _connect_signals(
        app,
        settings,
        stopping=stopping,
        leases=leases,
        groups=groups,
        broker_gate=broker_gate,
        sweeper=Sweeper(
            client,
            message=message.message(PLACEHOLDER_ID),
            interval_seconds=settings.sweep_interval_seconds,
            grace_seconds=settings.sweep_grace_seconds,
            lease_seconds=settings.visibility_timeout_seconds,
            metrics=metrics,
        ),
    )
    return Worker(app, (gate, broker_gate), stopping, metrics, settings)


def _mongo_client(settings: WorkerSettings) -> MongoClient[dict[str, Any]]:
    try:
        return MongoClient(
            settings.mongodb_uri.get_secret_value(),
            # One deadline for each operation, server selection and retries included.
            timeoutMS=int(1000 * settings.mongodb_timeout_seconds),
            serverSelectionTimeoutMS=3000,
            connectTimeoutMS=3000,
            maxPoolSize=settings.concurrency + 2,
            tz_aware=True,
            appname="customer-intake-worker",
        )
    except (PyMongoError, ValueError, TypeError, OSError) as error:
        # Its text may repeat pieces of the URI.
        sentence = f"INTAKE_MONGODB_URI cannot be used with the worker's own options ({type(error).__name__})"
        raise SettingsError([sentence]) from None


def run(worker: Worker) -> int:
    """Consume until SIGTERM or SIGINT; returns the exit code.

    Raises:
        SettingsError: the metrics' port cannot be had.
    """
    # First, so that it tells also while MongoDB is away, and a port that is taken stops the start.
    _serve_metrics(worker)
    # Before the first insert, or two customers of one email could get in.
    for gate in worker.gates:
        gate.open_when_usable(worker.stopping)
        threading.Thread(target=gate.keep, args=(worker.stopping,), name=f"gate-{gate.dependency}", daemon=True).start()
    process = type("Process", (worker.celery.Worker,), {"install_platform_tweaks": _install_signals})(
        # argon2 gives up the interpreter's lock: threads hash on all cores and share one process' memory and clients.
        pool="threads",
        concurrency=worker.settings.concurrency,
        # Workers need not know each other.
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    process.start()
    return int(process.exitcode or 0)


def _install_signals(_self: object, process: Any) -> None:
    """Celery's handlers of the signals to stop, and none of its others.

    On SIGUSR1 it would print the variables of every frame, on SIGUSR2 open a debugger to the network, on SIGHUP start
    itself anew. See startup/signals.py for what these do here.
    """
    install_worker_term_handler(process)
    install_worker_int_handler(process)


def _serve_metrics(worker: Worker) -> None:
    host, port = worker.settings.metrics_host, worker.settings.metrics_port
    if port:
        try:
            start_http_server(port, host, worker.metrics.registry)
        except OSError as error:
            reason = error.strerror or "not an address of this machine"
            sentence = f"INTAKE_WORKER_METRICS_HOST, INTAKE_WORKER_METRICS_PORT: cannot listen there ({reason})"
            raise SettingsError([sentence]) from None


def _connect_signals(
    app: Celery,
    settings: WorkerSettings,
    *,
    stopping: threading.Event,
    leases: Leases,
    groups: Groups,
    broker_gate: Gate,
    sweeper: Sweeper,
) -> None:
    def leave_logs_alone(**_: object) -> None:
        """Connected, this keeps Celery from setting up logs of its own."""

    def on_ready(**_: object) -> None:
        # Leases outlive `stopping`: what still runs while the worker shuts down is still held.
        run_periodically(
            leases.renew,
            name="leases",
            interval_seconds=renewal_seconds(settings.visibility_timeout_seconds),
            stopping=threading.Event(),
        )
        run_periodically(
            leases.renew_new,
            name="new-leases",
            # Twice before a task that nobody has started on is taken for lost.
            interval_seconds=settings.sweep_interval_seconds * MISSED_INTERVALS / 2,
            stopping=threading.Event(),
        )
        run_periodically(
            sweeper.sweep_if_due, name="sweeper", interval_seconds=settings.sweep_interval_seconds, stopping=stopping
        )
        run_periodically(broker_gate.recheck, name="broker", interval_seconds=_RECHECK_SECONDS, stopping=stopping)
        log.info("worker_ready", concurrency=settings.concurrency, test_profile=settings.test_profile)

    def on_shutting_down(*_: object, **__: object) -> None:
        if stopping.is_set():
            return
        stopping.set()
        for seconds, action in ((SHUTDOWN_SECONDS, partial(os._exit, 1)), (UNBEGUN_SECONDS, groups.put_back_waiting)):
            timer = threading.Timer(seconds, action)
            timer.daemon = True
            timer.start()
        log.info("worker_shutting_down")

    def on_shut_down(**_: object) -> None:
        # A thread of the pool that was to take these had not begun when the pool was closed.
        groups.put_back_waiting()

    # weak=False: nothing else holds these functions.
    signals.setup_logging.connect(leave_logs_alone, weak=False)
    signals.worker_ready.connect(on_ready, weak=False)
    signals.worker_shutting_down.connect(on_shutting_down, weak=False)
    signals.worker_shutdown.connect(on_shut_down, weak=False)
    # That signal is sent for SIGTERM and SIGINT alone; a worker may also stop because Celery has given up.
    app.steps["worker"].add(type("ShutdownStep", (bootsteps.StartStopStep,), {"close": on_shutting_down}))
