"""A client that uploads a file of rows in one call, repeats the call until it succeeds, and reads the outcomes."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

from tests.support.tokens import token
from tests.support.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.faults.harness.service_under_test import ServiceUnderTest

ROWS_A_PIECE: Final = 64
"""How many rows are sent together."""
_RETRY_SECONDS: Final = 0.2
_SILENT_SECONDS: Final = 30
"""After so long without a byte a call counts as cut off."""

Gate = Callable[[int], None]
"""Is called with the number of rows that were sent or read, and may make the client wait there."""


class ToldRow(NamedTuple):
    """One line of `customer.create.batch.rows`, as its client got it."""

    row: int
    outcome: str
    """The outcome: `created`, `repeated`, or the error."""
    customer_id: str
    """The customer's id. Empty where there is none."""


def _open(_: int) -> None:
    """Let the client go on."""


class BatchClient:
    """Uploads rows and reads their outcomes. Not thread-safe."""

    def __init__(
        self, service: ServiceUnderTest, rows: Callable[[], Iterable[bytes]], *, url: str = "", **query: str
    ) -> None:
        """Make a client for one file.

        Args:
            service: where the service is.
            rows: opens the file anew for each call.
            url: another way to the methods.
            query: further arguments of each call, beside the name.
        """
        self._query = {"name": "a-file", **query}
        self._rows = rows
        self._url = url or service.url
        bearer = token(service.environment, sub="fault-tests", scope="customer:create customer:import")
        self._http = httpx.Client(headers={"authorization": f"Bearer {bearer}"}, timeout=_SILENT_SECONDS)
        self._closing = threading.Event()
        service.at_the_end.callback(self.close)
        self.calls = 0
        """How often the upload was called."""
        self.refused: Counter[str] = Counter()
        """Why calls had to be repeated."""

    def close(self) -> None:
        """Close the connections, and make no further call."""
        self._closing.set()
        self._http.close()

    def upload(self, *, seconds: float = 120, gate: Gate = _open) -> str:
        """Make the very same call until it gets its 202. Returns the batch's id."""
        deadline = time.monotonic() + PATIENCE * seconds
        while (batch_id := self.try_upload(gate=gate)) is None:
            assert time.monotonic() < deadline, f"not accepted by {self.calls} calls: {self.refused}"
            self._pause()
        summary = self.summary(batch_id)
        assert summary["complete"], "a 202 says that the upload ended as it should"
        return batch_id

    def try_upload(self, *, gate: Gate = _open) -> str | None:
        """Make the call once. Returns the batch's id where it got a 202."""
        self.calls += 1
        try:
            answer = self._http.post(
                f"{self._url}/customer.create.batch",
                content=self._pieces(gate),
                headers={"content-type": "application/x-ndjson"},
                params=self._query,
            )
        except httpx.TransportError as error:
            self.refused[type(error).__name__] += 1
            return None
        if answer.status_code == 202:
            return str(answer.json()["batch"]["id"])
        self.refused[str(answer.status_code)] += 1
        assert answer.status_code in {429, 503}, answer.text
        return None

    def summary(self, batch_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """The summary of the batch. Asks until the service answers."""
        deadline = time.monotonic() + PATIENCE * seconds
        while True:
            try:
                answer = self._http.get(f"{self._url}/customer.create.batch.result", params={"id": batch_id})
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code in {200, 202}:
                summary: dict[str, Any] = answer.json()["batch"]
                return summary
            assert answer is None or answer.status_code == 503, answer.text
            assert time.monotonic() < deadline, "the batch could not be read"
            self._pause()

    def read(self, batch_id: str, *, seconds: float = 120, gate: Gate = _open) -> list[ToldRow]:
        """Follow the rows to the last one. After a broken connection the client goes on behind the last line it got."""
        deadline = time.monotonic() + PATIENCE * seconds
        told: list[ToldRow] = []
        while not self._read_on(batch_id, told, gate):
            assert time.monotonic() < deadline, f"only {len(told)} rows were told"
            self._pause()
        return told

    def _read_on(self, batch_id: str, told: list[ToldRow], gate: Gate) -> bool:
        """Append rows until the call ends or is cut off. Returns whether there are no more rows."""
        query = {"id": batch_id, "after": str(told[-1].row if told else 0), "follow": "true"}
        try:
            with self._http.stream("GET", f"{self._url}/customer.create.batch.rows", params=query) as answer:
                assert answer.status_code in {200, 503}, answer.status_code
                if answer.status_code == 503:
                    return False
                for line in answer.iter_lines():
                    told.append(_told(line))
                    gate(len(told))
        except httpx.TransportError:
            return False
        return True

    def _pieces(self, gate: Gate) -> Iterator[bytes]:
        rows = iter(self._rows())
        sent = 0
        while several := list(itertools.islice(rows, ROWS_A_PIECE)):
            gate(sent)
            yield b"\n".join(several) + b"\n"
            sent += len(several)

    def _pause(self) -> None:
        assert not self._closing.wait(_RETRY_SECONDS), "the test has ended"


def _told(line: str) -> ToldRow:
    document = json.loads(line)
    customer = document.get("customer", {})
    created = "repeated" if document.get("repeated") else "created"
    outcome = created if document["ok"] else document["error"]
    return ToldRow(document["row"], outcome, customer.get("id", ""))


def outcomes_of(told: Sequence[ToldRow]) -> Counter[str]:
    """How many rows have each outcome."""
    return Counter(row.outcome for row in told)
