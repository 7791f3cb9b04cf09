"""What `customer.create.batch` moves, compared with single signups and with a bare `insert_many` of the same run."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from pymongo import WriteConcern

from bench.batch_rows import Rows
from bench.driver import at_rate, saturate
from bench.service import TRIVIAL_HASH, Service

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PATH: Final = "/services/customer/v1/customer.create.batch"
"""The method."""

_WAIT_SECONDS: Final = 60
"""How long one call waits for a batch to end; then the next one does."""

_DOCUMENTS_A_CALL: Final = 1000
"""Of the bare `insert_many`."""

_SINGLES_A_SECOND: Final = 10.0
"""Rate of the single signups beside a batch."""


@dataclass(frozen=True)
class _Batches:
    """Sends batches to a service."""

    service: Service

    def upload(self, rows: Sequence[bytes], name: str) -> str:
        """Upload a batch; returns its id as soon as every row is accepted."""
        body = b"\n".join(rows)
        answer = self._call("POST", f"{_PATH}?{urlencode({'name': name})}", body)
        assert answer["ok"], answer
        return str(answer["batch"]["id"])

    def wait(self, batch_id: str) -> dict[str, Any]:
        """Wait until every row has its outcome; returns the batch."""
        while True:
            query = urlencode({"id": batch_id, "wait": _WAIT_SECONDS})
            batch: dict[str, Any] = self._call("GET", f"{_PATH}.result?{query}")["batch"]
            if batch["finished"] == batch["rows"]:
                return batch

    def cancel(self, batch_id: str) -> None:
        """Cancel a batch."""
        self._call("POST", f"{_PATH}.cancel", json.dumps({"id": batch_id}).encode(), "application/json")

    def first_result(self, batch_id: str) -> float:
        """Follow the rows from the first one on; returns when its line came, by this process' clock."""
        connection = self._connection()
        connection.request(
            "GET", f"{_PATH}.rows?{urlencode({'id': batch_id, 'follow': 'true'})}", headers=self._headers()
        )
        connection.getresponse().readline()
        came_at = time.perf_counter()
        connection.close()
        return came_at

    def _call(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/x-ndjson"
    ) -> dict[str, Any]:
        connection = self._connection()
        connection.request(method, path, body, {**self._headers(), "content-type": content_type})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.service.token(scopes=('customer:create', 'customer:import'))}"}

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.service.target().port, timeout=2 * _WAIT_SECONDS)


def batch_rows(folder: Path, *, rows: int, signups: int) -> dict[str, Any]:
    """Rows with ready hashes, from the first byte to the last result; what they take of Redis; repeats of them."""
    ready = Rows("ready").make(rows, hashed=True)
    with Service(folder) as service:
        batches = _Batches(service)
        service.warm_up(min(500, signups))
        accepts = saturate(service.target().port, service.target().signups("accepts"), requests=signups, connections=32)
        service.start_worker(**TRIVIAL_HASH)
        service.wait_until_drained()
        started = time.perf_counter()
        saturate(service.target().port, service.target().signups("trivial"), requests=signups, connections=32)
        service.wait_until_drained()
        signups_per_second = signups / (time.perf_counter() - started)

        service.stop_worker()
        batches.wait(batches.upload(ready[:0], "warm"))
        held, meter, started = service.redis_bytes(), service.meter(), time.perf_counter()
        waiting = batches.upload(ready, "waiting")
        accepted_seconds, accepting = time.perf_counter() - started, meter.read()
        waiting_bytes = (service.redis_bytes() - held) / rows
        service.start_worker()
        batches.wait(waiting)
        finished_bytes = (service.redis_bytes() - held) / rows
        again_per_second = _per_second(batches, ready, "waiting")

        fresh = Rows("fresh").make(rows, hashed=True)
        meter, started = service.meter(), time.perf_counter()
        batch_id = batches.upload(fresh, "fresh")
        created = batches.wait(batch_id)
        seconds, consumed = time.perf_counter() - started, meter.read()
        duplicates_per_second = _per_second(batches, fresh, "another-name")
        few = Rows("few").make(min(rows, 256), hashed=True)
        few_id, accepted_at = batches.upload(few, "few"), time.perf_counter()
        first_result_seconds = batches.first_result(few_id) - accepted_at
        insert_per_second = _bare_insert(service, rows)
        assert created["outcomes"] == {"created": rows}, created
        return {
            "accepted_per_second": rows / accepted_seconds,
            "single_accepts_per_second": accepts.per_second,
            "accepted_to_single": rows / accepted_seconds / accepts.per_second,
            "accepting_cpu_us": {name: 1000 * each for name, each in accepting.milliseconds_each(rows).items()},
            "per_second": rows / seconds,
            "cpu_us_each": {name: 1000 * each for name, each in consumed.milliseconds_each(rows).items()},
            "share_of_cores": consumed.shares(),
            "trivial_hash_signups_per_second": signups_per_second,
            "to_trivial_hash_signups": rows / seconds / signups_per_second,
            "insert_many_per_second": insert_per_second,
            "to_insert_many": rows / seconds / insert_per_second,
            "known_again_per_second": again_per_second,
            "duplicates_per_second": duplicates_per_second,
            "redis_bytes_waiting": waiting_bytes,
            "redis_bytes_finished": finished_bytes,
            "first_result_seconds": first_result_seconds,
            "memory_mib": service.memory(peak=True),
        }


def batch_hashing(folder: Path, *, rows: int, duplicates: int, seconds: float) -> dict[str, Any]:
    """Rows with real hashing: what share hashes have, and how single signups fare beside them."""
    with Service(folder) as service:
        batches = _Batches(service)
        service.start_worker()
        service.warm_up(20)
        target = service.target(prefer="wait=30")
        alone = at_rate(target.port, target.signups("alone"), per_second=_SINGLES_A_SECOND, seconds=seconds)
        service.wait_until_drained()

        plain = Rows("plain").make(rows, hashed=False)
        hashed, meter, started = service.hash_cpu_seconds(), service.meter(), time.perf_counter()
        created = batches.wait(batches.upload(plain, "plain"))
        took, consumed, in_hashes = time.perf_counter() - started, meter.read(), service.hash_cpu_seconds() - hashed
        repeated = plain * max(1, duplicates // rows)
        duplicates_per_second = _per_second(batches, repeated, "duplicates")

        beside_id = batches.upload(Rows("beside").make(max(rows, int(150 * seconds)), hashed=False), "beside")
        begun = threading.Event()
        begun.wait(min(1.0, seconds))
        beside = at_rate(target.port, target.signups("beside"), per_second=_SINGLES_A_SECOND, seconds=seconds)
        batches.cancel(beside_id)
        assert created["outcomes"] == {"created": rows}, created
        return {
            "per_second": rows / took,
            "share_of_cores": consumed.shares(in_hashes),
            "duplicates_per_second": duplicates_per_second,
            "duplicates_to_creating": duplicates_per_second / (rows / took),
            "single_alone_p50_ms": 1000 * alone.percentile(0.5),
            "single_alone_p99_ms": 1000 * alone.percentile(0.99),
            "single_beside_p50_ms": 1000 * beside.percentile(0.5),
            "single_beside_p99_ms": 1000 * beside.percentile(0.99),
            "single_p50_ratio": beside.percentile(0.5) / alone.percentile(0.5),
            "single_p99_ratio": beside.percentile(0.99) / alone.percentile(0.99),
            "statuses": beside.statuses,
        }


def _per_second(batches: _Batches, rows: Sequence[bytes], name: str) -> float:
    started = time.perf_counter()
    batches.wait(batches.upload(rows, name))
    return len(rows) / (time.perf_counter() - started)


def _bare_insert(service: Service, rows: int) -> float:
    """Insert the same documents as the service's again with other ids: majority, journaled, one process, no checks."""
    with service.mongo_client() as client:
        stored = client["customer_intake"]["customers"]
        documents = list(stored.find({"email": {"$regex": "\\.fresh"}}).limit(rows))
        for number, document in enumerate(documents):
            document |= {"_id": f"bare-{number}", "email_key": f"bare-{number}"}
        collection = client["bench"].get_collection("bare", write_concern=WriteConcern(w="majority", j=True))
        collection.create_index("email_key", unique=True)
        started = time.perf_counter()
        for first in range(0, len(documents), _DOCUMENTS_A_CALL):
            collection.insert_many(documents[first : first + _DOCUMENTS_A_CALL], ordered=False)
        seconds = time.perf_counter() - started
        client.drop_database("bench")
        return len(documents) / seconds
