"""A real worker process works chunks until each row has its outcome, also where it is stopped or killed meanwhile."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pymongo import MongoClient

from local_stack.ports import free_port
from schemas.batch.content import ChunkContent, Mode, compressed, pack
from schemas.batch.row_results import unpack_results
from schemas.ids import IdDeriver
from schemas.protocol.keys import HELD_KEY
from schemas.protocol.lanes import CHUNKS
from schemas.sealing import Sealer, parse_public_key
from startup.environment import EnvironmentReader
from startup.shared_settings import read_shared_settings
from tests.support.batches import Batches
from tests.support.requests import a_request, as_body
from tests.support.waiting import wait_until
from tests.worker.consuming.test_consuming import Producer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import redis

    from tests.conftest import Servers, Starter

SLOW_HASHES: Final = {
    # With hashes of the cost that is deployed, a chunk of 256 rows takes seconds of one core.
    "INTAKE_ARGON2_TEST_PROFILE": "0",
    "INTAKE_HASH_CONCURRENCY": "1",
    "INTAKE_WORKER_CHUNKS": "1",
}

LOST_SOON: Final = {
    "INTAKE_VISIBILITY_TIMEOUT_SECONDS": "3",
    "INTAKE_SWEEP_INTERVAL_SECONDS": "0.5",
    "INTAKE_SWEEP_GRACE_SECONDS": "1",
}


class Importer:
    """Accepts chunks as the shim does, and reads their results."""

    def __init__(self, client: redis.Redis, environment: Mapping[str, str], public_key: Path) -> None:
        self.batches = Batches(client)
        self.batch_id = self.batches.open()
        self._ids = IdDeriver(read_shared_settings(EnvironmentReader(environment)).id_key)
        self._sealer = Sealer(*parse_public_key(public_key.read_bytes()))
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(environment["INTAKE_MONGODB_URI"])
        self._database = environment["INTAKE_MONGODB_DATABASE"]

    def accept(self, rows: Sequence[bytes]) -> str:
        """Accept a chunk of these rows. Returns its id."""
        content = ChunkContent(
            caller="me", name="a name", mode=Mode.CREATE, may_import=False, rows=tuple(rows), longest_row_bytes=262_144
        )
        packed = pack(content)
        chunk_id = self._ids.chunk_id(packed, generation=0)
        sealed = self._sealer.seal(task_id=chunk_id, body=compressed(packed))
        self.batches.accept(self.batch_id, chunk_id, rows=len(rows), sealed=sealed)
        return chunk_id

    def finished(self) -> int:
        """The number of rows that have their outcome."""
        return self.batches.read(self.batch_id).finished

    def results(self) -> list[dict[str, Any]]:
        """The outcome of each row, in order. All rows must have one."""
        return [
            json.loads(line)
            for view in self.batches.views(self.batch_id)
            for each in view.ranges
            for line in unpack_results(each.results)
        ]

    def customers(self) -> list[dict[str, Any]]:
        """The customers in MongoDB."""
        return list(self._mongo[self._database]["customers"].find())

    def close(self) -> None:
        """Close the connection to MongoDB."""
        self._mongo.close()


@pytest.fixture
def importer(redis_client: redis.Redis, isolated_env: Mapping[str, str], stack: Servers) -> Iterator[Importer]:
    importer = Importer(redis_client, isolated_env, stack.secrets.sealing_public_key)
    yield importer
    importer.close()


def rows(count: int, *, first: int = 0) -> list[bytes]:
    return [as_body(a_request(email=f"row{number}@example.com")) for number in range(first, first + count)]


def hashes(settings: Mapping[str, str]) -> float:
    """The number of passwords that the worker with these settings has hashed."""
    with urllib.request.urlopen(f"http://127.0.0.1:{settings['INTAKE_WORKER_METRICS_PORT']}/metrics") as answer:
        families = text_string_to_metric_families(answer.read().decode())
        samples = {each.name: each.value for family in families for each in family.samples}
    return samples["intake_password_hash_seconds_count"]


def expect_each_created_once(importer: Importer, count: int) -> None:
    results = importer.results()
    assert [each["ok"] and "repeated" not in each for each in results] == [True] * count
    assert [each["customer"]["email"] for each in results] == [f"row{number}@example.com" for number in range(count)]
    assert {each["_id"] for each in importer.customers()} == {each["customer"]["id"] for each in results}
    assert len(importer.customers()) == count


def test_chunks_are_worked_and_every_row_has_its_result(
    importer: Importer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    chunks = [importer.accept(rows(100, first=first)) for first in range(0, 500, 100)]
    worker = start_worker(isolated_env)
    wait_until(lambda: importer.finished() == 500, timeout=30, what="all rows have their outcomes")
    expect_each_created_once(importer, 500)
    assert {each["origin"].partition(":")[0] for each in importer.customers()} == set(chunks)
    wait_until(lambda: importer.batches.client.zcard(HELD_KEY) == 0, what="nothing is held")
    assert worker.process.terminate(timeout=30)
    assert worker.process.exit_code == 0


def test_signups_are_worked_while_a_worker_that_may_hold_one_task_works_on_a_chunk(
    importer: Importer, isolated_env: Mapping[str, str], start_worker: Starter, stack: Servers
) -> None:
    producer = Producer(importer.batches.client, isolated_env, stack.secrets.sealing_public_key)
    importer.accept(rows(200))
    one_task = {"INTAKE_WORKER_CONCURRENCY": "1", "INTAKE_WORKER_PREFETCH_MULTIPLIER": "1"}
    start_worker(isolated_env, **SLOW_HASHES, **one_task)
    wait_until(lambda: importer.batches.queued() == 0, what="the chunk is taken")
    signup = producer.accept(0)
    wait_until(lambda: producer.created(signup), what="the customer is created")
    assert importer.finished() == 0


def test_a_worker_that_is_stopped_keeps_what_it_has_hashed_and_gives_its_chunks_back(
    importer: Importer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    begun = importer.accept(rows(200))
    unbegun = importer.accept(rows(4, first=200))
    never_taken = importer.accept(rows(4, first=204))
    settings = {**SLOW_HASHES, "INTAKE_SWEEP_GRACE_SECONDS": "300", "INTAKE_WORKER_METRICS_PORT": str(free_port())}
    worker = start_worker(isolated_env, **settings)
    wait_until(lambda: importer.batches.queued() == 1, what="it holds two chunks")
    wait_until(lambda: hashes(settings) > 3, what="it hashes")
    assert worker.process.terminate(timeout=30)
    assert worker.process.exit_code == 0

    stored = len(importer.customers())
    assert 0 < stored < 200
    assert importer.finished() == 0
    assert [importer.batches.record(chunk)["starts"] for chunk in (begun, unbegun)] == ["0", "0"]
    assert importer.batches.client.zcard(HELD_KEY) == 0
    waiting: Any = importer.batches.client.lrange(CHUNKS.queue, 0, -1)
    assert len(waiting) == 3
    assert never_taken.encode() in waiting[0]

    start_worker(isolated_env, INTAKE_SWEEP_GRACE_SECONDS="300")
    wait_until(lambda: importer.finished() == 208, timeout=30, what="another worker finishes them")
    expect_each_created_once(importer, 208)


@pytest.mark.slow
def test_a_chunk_whose_worker_is_killed_is_worked_again_and_no_row_is_made_twice(
    importer: Importer, isolated_env: Mapping[str, str], start_worker: Starter
) -> None:
    chunk = importer.accept(rows(200))
    worker = start_worker(isolated_env, **SLOW_HASHES, **LOST_SOON)
    wait_until(lambda: importer.batches.record(chunk)["state"] == "STARTED", what="it has begun")
    worker.process.kill()
    start_worker(isolated_env, **LOST_SOON)
    wait_until(lambda: importer.finished() == 200, timeout=30, what="another worker finishes it")
    assert importer.batches.record(chunk)["starts"] == "2"
    expect_each_created_once(importer, 200)
