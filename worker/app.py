"""The worker put together: every client is made here, and every part is given what it needs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis.backoff import NoBackoff
from redis.retry import Retry

from passwords.hashing import Argon2Passwords
from schemas.ids import IdDeriver
from schemas.protocol.lanes import CHUNKS, SIGNUPS
from schemas.protocol.message import MessageTemplate
from schemas.sealing import Unsealer
from startup.broker.redis_clients import drop_connections, redis_client
from startup.broker.redis_refusals import refusal_behind
from startup.environment import SettingsError
from startup.identity import Identity
from startup.tracing.tracing import open_tracing
from worker.celery_tools.tools import CeleryTools
from worker.consuming.celery_app import Wiring, celery_app
from worker.consuming.celery_settings import REDIS_CONNECT_SECONDS, REDIS_TIMEOUT_SECONDS
from worker.consuming.chunks import Chunks
from worker.consuming.groups import Groups
from worker.consuming.tasks import register_chunk_tasks, register_tasks
from worker.customer.checks import Checks
from worker.customer.create_customer import CreateCustomer
from worker.customer.create_rows import CreateRows
from worker.customer.customers import DATABASE, MongoCustomers
from worker.customer.sealed_requests import SealedRequests
from worker.customer.stages import Stages
from worker.dependencies.broker import BROKER, BrokerProbe
from worker.dependencies.gate import Gate
from worker.dependencies.mongo_tls import MongoTls
from worker.dependencies.patience import Patience
from worker.lifecycle import ASK_SECONDS, Lifecycle
from worker.metrics import WorkerMetrics
from worker.promise.announcements import Announcements
from worker.promise.chunk_records import ChunkRecords
from worker.promise.event_trimmer import EventTrimmer
from worker.promise.leases import Leases
from worker.promise.pauses import Pauses
from worker.promise.records import RedisRecords
from worker.promise.sweeper import Sweeper
from worker.promise.turnstile import Turnstile
from worker.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from startup.tracing.tracing import Tracing
    from worker.settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is put together and not started."""

    celery: Celery
    gates: tuple[Gate, ...]
    """One for each dependency. The worker takes tasks while all are open."""
    announce: Callable[[], object]
    """Tells that it runs, and what it waits for."""
    stopping: threading.Event
    metrics: WorkerMetrics
    settings: WorkerSettings
    tracing: Tracing | None


def build_worker(settings: WorkerSettings) -> Worker:
    """Make every client and connect every part. Nothing is sent yet."""
    stopping = threading.Event()
    metrics = WorkerMetrics()
    tracing = open_tracing(settings.shared.traces, metrics.traces, component="worker")
    client = redis_client(
        settings.shared.redis_url,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_CONNECT_SECONDS,
        health_check_interval=25,
        # One quiet repeat, for a connection in the pool that a restart of Redis broke. Patience does the rest.
        retry=Retry(NoBackoff(), 1),
    )
    tls = MongoTls.of(settings.mongodb_uri.get_secret_value())
    customers = MongoCustomers(_mongo_client(settings), database=settings.mongodb_database, tls=tls)
    ask = partial(customers.ask, seconds=min(ASK_SECONDS, settings.mongodb_timeout_seconds))
    gate = Gate(DATABASE, customers.prepare, metrics=metrics, question=ask)
    explain = partial(refusal_behind, url=settings.shared.redis_url)
    broker_probe = BrokerProbe(client, metrics=metrics, allowed=settings.redis_allowed, explain=explain)
    broker_gate = Gate(BROKER, broker_probe, metrics=metrics)
    message = MessageTemplate()
    records = RedisRecords(
        client,
        message,
        result_ttl_seconds=settings.shared.result_ttl_seconds,
        lease_seconds=settings.visibility_timeout_seconds,
        unreadable_wait_seconds=settings.unreadable_wait_seconds,
    )
    ids = IdDeriver(settings.shared.id_key)
    patience = Patience(stopping, metrics, gate=gate, hold_seconds=settings.mongodb_away_seconds)
    unsealer, turnstile = Unsealer(dict(settings.key_ring)), Turnstile()
    stages = Stages(
        checks=Checks(
            ids,
            rules=settings.rules,
            minimum_password_characters=settings.minimum_password_characters,
            hash_rules=settings.hash_rules,
        ),
        customers=customers,
        passwords=Argon2Passwords(settings.password_cost),
        patience=patience,
        metrics=metrics,
        hash_concurrency=settings.hash_concurrency,
    )
    create_customer = CreateCustomer(
        records=records,
        requests=SealedRequests(unsealer, ids),
        stages=stages,
        patience=patience,
        turnstile=turnstile,
        metrics=metrics,
        maximum_starts=settings.maximum_starts,
    )
    chunk_records = ChunkRecords(
        client,
        ids,
        result_ttl_seconds=settings.shared.result_ttl_seconds,
        lease_seconds=settings.visibility_timeout_seconds,
        unreadable_wait_seconds=settings.unreadable_wait_seconds,
    )
    create_rows = CreateRows(
        records=chunk_records,
        unsealer=unsealer,
        ids=ids,
        stages=stages,
        patience=patience,
        turnstile=turnstile,
        metrics=metrics,
        maximum_starts=settings.maximum_starts,
        tells_rows=settings.tells_rows,
        stopping=stopping,
    )
    trimmer = EventTrimmer(
        client,
        kept_seconds=settings.events_kept_seconds,
        unread_seconds=settings.unread_events_kept_seconds,
        metrics=metrics,
    )
    leases = Leases(client, lease_seconds=settings.visibility_timeout_seconds)
    tools = CeleryTools(settings, metrics)
    groups = Groups(
        create_customer,
        leases,
        put_back=records.put_back,
        at_once=settings.concurrency,
        most_tasks=settings.prefetch_multiplier,
        traces=Traces(tracing, SIGNUPS),
        watch=tools.watch,
    )
    chunks = Chunks(
        create_rows,
        leases,
        put_back=chunk_records.put_back,
        at_once=settings.chunks,
        stopping=stopping,
        traces=Traces(tracing, CHUNKS),
        watch=tools.watch,
    )
    pauses = Pauses(client)
    wiring = Wiring(
        gates=(gate, broker_gate),
        broker_gate=broker_gate,
        pauses=pauses,
        records=records,
        chunks=chunks,
        leases=leases,
        metrics=metrics,
        drop_connections=partial(drop_connections, client),
    )
    app = celery_app(settings, wiring, stopping=stopping)
    register_tasks(app, groups)
    register_chunk_tasks(app, chunks)
    identity = Identity("worker")
    announcements = Announcements(
        client,
        name=identity.name,
        details=lambda: identity.details(
            holds={"tasks": leases.count() - chunks.count(), "chunks": chunks.count()},
            done=metrics.ended(),
            taking=gate.is_open and broker_gate.is_open and pauses.takes_signups and not stopping.is_set(),
            away={
                each.dependency: since
                for each in (gate, broker_gate)
                if (since := each.away_since_milliseconds) is not None
            },
            refused={each.dependency: why for each in (gate, broker_gate) if (why := each.refusal) is not None},
        ),
    )
    Lifecycle(
        settings=settings,
        announcements=announcements,
        pauses=pauses,
        stopping=stopping,
        leases=leases,
        sweeper=Sweeper(
            client,
            chores=(chunk_records.settle, trimmer.trim),
            interval_seconds=settings.sweep_interval_seconds,
            grace_seconds=settings.sweep_grace_seconds,
            lease_seconds=settings.visibility_timeout_seconds,
            metrics=metrics,
        ),
        broker_gate=broker_gate,
        database_gate=gate,
        groups=groups,
        chunks=chunks,
        tools=tools,
    ).connect(app)
    return Worker(app, (gate, broker_gate), announcements.announce, stopping, metrics, settings, tracing)


def _mongo_client(settings: WorkerSettings) -> MongoClient[dict[str, Any]]:
    try:
        return MongoClient(
            settings.mongodb_uri.get_secret_value(),
            # One deadline for each operation, server selection and retries included.
            timeoutMS=int(1000 * settings.mongodb_timeout_seconds),
            serverSelectionTimeoutMS=3000,
            connectTimeoutMS=3000,
            maxPoolSize=settings.concurrency + settings.chunks + 2,
            tz_aware=True,
            appname="customer-intake-worker",
        )
    except (PyMongoError, ValueError, TypeError, OSError) as error:
        # Its text may repeat pieces of the URI.
        sentence = f"INTAKE_MONGODB_URI cannot be used with the worker's own options ({type(error).__name__})"
        raise SettingsError([sentence]) from None
