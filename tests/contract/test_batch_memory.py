"""The shim's memory does not grow with what is uploaded or read."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import httpx
import pytest

from tests.contract.batch_client import BATCH, NDJSON, BatchClient, a_row, lines
from tests.contract.service import an_email

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.service import Service

MIB: Final = 1024 * 1024
_MOST_GROWTH: Final = 64 * MIB
_UPLOADS: Final = 4


def _resident(service: Service) -> int:
    status = Path(f"/proc/{service.shim.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return 1024 * int(line.split()[1])


class _Peak:
    """Watches the shim's memory within a `with` block."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.idle = self.most = _resident(service)

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self.most = max(self.most, _resident(self._service))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def growth(self) -> int:
        """The most by which it grew."""
        return self.most - self.idle


def _body(size: int) -> Iterator[bytes]:
    """The same thousand rows again and again, so that Redis has to keep only few chunks."""
    block = lines(*(a_row(tags=["x" * 900] * (number % 4)) for number in range(1024)))
    for _ in range(size // len(block) + 1):
        yield block


@pytest.mark.parametrize(
    "size", [48 * MIB, pytest.param(1024 * MIB, marks=(pytest.mark.slow, pytest.mark.timeout(900)))]
)
def test_a_longer_upload_takes_no_more_memory(without_worker: Service, size: int) -> None:
    service = without_worker
    client = BatchClient(service)
    client.accepted(lines(a_row()))

    def upload(number: int) -> int:
        with httpx.Client(timeout=600, trust_env=False) as http:
            headers = {"content-type": NDJSON, **client.bearer}
            url = f"{service.shim.url}{BATCH}?name={number}"
            return http.post(url, content=_body(size), headers=headers).status_code

    with _Peak(service) as peak, ThreadPoolExecutor(_UPLOADS) as threads:
        answers = list(threads.map(upload, range(_UPLOADS)))

    assert answers == [202] * _UPLOADS
    assert peak.growth <= _MOST_GROWTH


@pytest.mark.slow
def test_rows_that_nobody_reads_take_no_memory(service: Service) -> None:
    client = BatchClient(service, sub=an_email())
    batch_id = client.done(lines(*(a_row(tags=["x" * 1000] * 10) for _ in range(3000))))["id"]
    asked = (
        f"GET {BATCH}.rows?id={batch_id}&limit=3000 HTTP/1.1\r\nhost: x\r\n"
        f"authorization: {client.bearer['authorization']}\r\n\r\n"
    ).encode()
    readers = [socket.socket() for _ in range(20)]

    with _Peak(service) as peak:
        for reader in readers:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", int(service.environment["INTAKE_PORT"])))
            reader.sendall(asked)
        for reader in readers:
            assert reader.recv(100).startswith(b"HTTP/1.1 200 ")
        assert len(client.rows_of(batch_id, limit="3000")) == 3000
    for reader in readers:
        reader.close()

    assert peak.growth <= _MOST_GROWTH
