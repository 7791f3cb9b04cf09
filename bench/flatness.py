"""Shows whether customers in MongoDB, or waiting tasks in Redis, slow down further signups."""

from __future__ import annotations

import random
import statistics
import string
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pymongo.write_concern import WriteConcern

from bench.driver import saturate
from bench.service import TRIVIAL_HASH, Service
from bench.throughput import CONNECTIONS
from bench.waiting import wait_while
from schemas.example import example_address, example_request
from worker.customer.customers import COLLECTION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BATCH: Final = 2000
"""Documents in one insert, or tasks in one pipeline, while a database is filled."""

_FULL: Final = "full"
"""Names the database that is filled."""

_EMPTY: Final = "empty"
"""Names the one that it is compared with."""

_ALPHABET: Final = string.ascii_letters + string.digits
"""The characters of random ids and hashes."""


def flat_customers(folder: Path, *, customers: int, signups: int, trivial: int, rounds: int) -> dict[str, Any]:
    """Throughput into a collection that already holds `customers`, compared with an empty one.

    Both lie in one mongod and take turns. With the default hash it is what users see, with a trivial one MongoDB's part
    shows.
    """
    figures: dict[str, list[float]] = {}
    with Service(folder) as service:
        # The worker makes the collection's index.
        service.start_worker(INTAKE_MONGODB_DATABASE=_FULL)
        service.stop_worker()
        filled = _fill(service, customers)
        for turn in range(rounds):
            for trivial_hash, requests in ((False, signups), (True, trivial)):
                for database in (f"{_EMPTY}_{turn}_{trivial_hash}", _FULL):
                    hashing = TRIVIAL_HASH if trivial_hash else {}
                    service.start_worker(INTAKE_MONGODB_DATABASE=database, **hashing)
                    name = f"{database.partition('_')[0]}_{'trivial_hash' if trivial_hash else 'end_to_end'}"
                    figures.setdefault(f"{name}_per_second", []).append(_throughput(service, requests, turn, name))
    medians = {name: statistics.median(values) for name, values in figures.items()}
    return {
        **filled,
        **medians,
        "end_to_end_ratio": medians["full_end_to_end_per_second"] / medians["empty_end_to_end_per_second"],
        "trivial_hash_ratio": medians["full_trivial_hash_per_second"] / medians["empty_trivial_hash_per_second"],
    }


def _throughput(service: Service, requests: int, turn: int, name: str) -> float:
    service.warm_up(max(1, requests // 10))
    target = service.target()
    started = time.perf_counter()
    saturate(target.port, target.signups(f"{name}-{turn}"), requests=requests, connections=CONNECTIONS)
    service.wait_until_drained()
    return requests / (time.perf_counter() - started)


def _fill(service: Service, customers: int) -> dict[str, float]:
    with service.mongo_client() as client:
        # Filling does not wait for the journal. The signups that are measured afterwards do.
        collection = client[_FULL].get_collection(COLLECTION, write_concern=WriteConcern(w=1, j=False))
        started = time.perf_counter()
        documents = _documents(customers)
        while batch := [document for document, _ in zip(documents, range(_BATCH), strict=False)]:
            collection.insert_many(batch, ordered=False)
        client.admin.command("fsync")
        seconds = time.perf_counter() - started
        sizes = client[_FULL].command("collStats", COLLECTION)
    return {
        "customers": customers,
        "filled_per_second": customers / seconds,
        "document_bytes": sizes["avgObjSize"],
        "storage_bytes_each": (sizes["storageSize"] + sizes["totalIndexSize"]) / customers,
    }


def _documents(count: int) -> Iterator[dict[str, Any]]:
    """Customers as the worker stores them. Ids and hashes are random as real ones, or they would compress better."""
    dice = random.Random(1)
    rest = {name: value for name, value in example_request().items() if name not in {"email", "password", "addresses"}}
    address = example_address()
    now = datetime.now(UTC)
    for number in range(count):
        noise = "".join(dice.choices(_ALPHABET, k=92))
        email = f"{noise[81:]}.{number}@example.com"
        yield {
            "_id": noise[:17],
            "email": email,
            "email_key": email.casefold(),
            "password_hash": f"$argon2id$v=19$m=19456,t=2,p=1${noise[17:39]}${noise[38:81]}",
            **rest,
            "addresses": [{**address, "id": noise[28:39]}],
            "created_at": now,
        }


def flat_waiting(folder: Path, *, tasks: int, accepts: int, starts: int, rounds: int) -> dict[str, Any]:
    """Accepting and starting while `tasks` wait in the queue, compared with an almost empty one.

    Both queues lie in one Redis, in databases of their own, and take turns.
    """
    figures: dict[str, list[float]] = {}
    with Service(folder) as service:
        _shim_of(service, _FULL)
        held = service.redis_bytes()
        _accept(service, tasks, "fill")
        with service.redis_client() as client:
            # Redis rewrites its append-only file as it grows. Wait until it has done so.
            wait_while(lambda: client.info("persistence")["aof_rewrite_in_progress"], [service.redis.process])
        bytes_each = (service.redis_bytes() - held) / tasks
        for turn in range(rounds):
            for name in (_EMPTY, _FULL):
                _shim_of(service, name)
                service.warm_up(accepts // 10)
                figures.setdefault(f"{name}_accepts_per_second", []).append(_accept(service, accepts, f"{name}-{turn}"))
                figures.setdefault(f"{name}_starts_per_second", []).append(_starts(service, starts, name))
    medians = {name: statistics.median(values) for name, values in figures.items()}
    return {
        "waiting": tasks,
        "redis_bytes_each": bytes_each,
        **medians,
        "accepts_ratio": medians["full_accepts_per_second"] / medians["empty_accepts_per_second"],
        "starts_ratio": medians["full_starts_per_second"] / medians["empty_starts_per_second"],
    }


def _database(name: str) -> int:
    return 0 if name == _FULL else 1


def _shim_of(service: Service, name: str) -> None:
    if name == _EMPTY:
        with service.redis_client(_database(name)) as client:
            client.flushdb()
    service.start_shim(INTAKE_REDIS_URL=service.redis_url(_database(name)))


def _accept(service: Service, requests: int, run: str) -> float:
    target = service.target()
    load = saturate(target.port, target.signups(run), requests=requests, connections=CONNECTIONS)
    assert set(load.statuses) == {202}, load.statuses
    return load.per_second


def _starts(service: Service, tasks: int, name: str) -> float:
    """How many of the waiting tasks a worker finishes a second while the queue is not empty."""
    database = _database(name)
    waiting = service.open_tasks(database)
    service.start_worker(INTAKE_REDIS_URL=service.redis_url(database), INTAKE_MONGODB_DATABASE=name, **TRIVIAL_HASH)
    # The first tenth is a warm-up.
    service.wait_until_drained(down_to=waiting - tasks // 10, database=database)
    first, started = service.open_tasks(database), time.perf_counter()
    service.wait_until_drained(down_to=waiting - tasks, database=database)
    done, seconds = first - service.open_tasks(database), time.perf_counter() - started
    service.stop_worker()
    return max(1, done) / seconds
