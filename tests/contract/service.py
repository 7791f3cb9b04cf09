"""A running service: its answers as a client sees them, and its data as an operator sees them."""

from __future__ import annotations

import itertools
import json
import secrets
import socket
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import redis
from pymongo import MongoClient

from schemas.protocol.keys import OPEN_KEY
from tests.support.requests import a_request, as_body
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.conftest import Running

PREFIXES: Final = ("/services", "")
CREATE: Final = "/services/customer/v1/customer.create"
RESULT: Final = "/services/customer/v1/customer.create.result"
_TIMEOUT_SECONDS: Final = 30
_numbers = itertools.count()


def an_email() -> str:
    """An email that no other test uses."""
    return f"{secrets.token_hex(6)}.{next(_numbers)}@example.com"


@dataclass(frozen=True)
class Service:
    """A shim, usually with a worker behind it."""

    shim: Running
    worker: Running | None = None
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False))

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings of the shim."""
        return self.shim.environment

    def bearer(self, **claims: Any) -> dict[str, str]:
        """The header with a caller's token."""
        return {"authorization": f"Bearer {token(self.environment, **claims)}"}

    def _as_caller(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        given = dict(headers or {})
        return given if "authorization" in given else self.bearer() | given

    def post(self, body: bytes, headers: Mapping[str, str] | None = None, *, path: str = CREATE) -> httpx.Response:
        """POST bytes as a caller whose token is good. A header of "" is not sent."""
        merged = {"content-type": "application/json", **self._as_caller(headers)}
        sent = {name: value for name, value in merged.items() if value}
        return self.http.post(self.shim.url + path, content=body, headers=sent)

    def create(self, headers: Mapping[str, str] | None = None, **changes: Any) -> httpx.Response:
        """`customer.create` of a valid request with these changes."""
        return self.post(as_body(a_request(**{"email": an_email(), **changes})), headers)

    def outcome(self, document: Any) -> Any:
        """The outcome of a signup with this document, by `Prefer: wait`."""
        response = self.post(as_body(document), {"prefer": "wait=20"})
        assert response.status_code == 200, response.text
        return response.json()

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: str) -> httpx.Response:
        """GET as a caller whose token is good."""
        return self.http.get(self.shim.url + path, params=query or None, headers=self._as_caller(headers))

    def result(self, task_id: str, *, wait: int = 20) -> httpx.Response:
        """`customer.create.result`."""
        return self.get(RESULT, id=task_id, wait=str(wait))

    def raw(self, request: bytes, *, end: bool = False) -> bytes:
        """Send bytes and read until the answer is there. With `end`, tell the shim that nothing more comes."""
        with closing(socket.create_connection(("127.0.0.1", int(self.environment["INTAKE_PORT"])), 10)) as connection:
            if end:
                # The request and its end leave together. Otherwise the answer could be quicker than the end.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.sendall(request)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return read_answer(connection)

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """A connection to the shim that reads for at most ten seconds."""
        with closing(socket.create_connection(("127.0.0.1", int(self.environment["INTAKE_PORT"])), 10)) as connection:
            yield connection

    def sent(self, *pieces: bytes) -> bytes:
        """Send these pieces. Returns all that the shim answers until it closes or resets the connection."""
        with self.connection() as connection:
            with suppress(ConnectionError):  # The shim may hang up before it has read everything.
                for piece in pieces:
                    connection.sendall(piece)
            return read_all(connection)

    def metric(self, name: str) -> float:
        """One sample of `/metrics`. It is 0 where there is none yet."""
        for line in self.http.get(f"{self.shim.url}/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The shim's log lines of an event."""
        lines = [json.loads(line) for line in self.shim.log().splitlines() if f'"{event}"' in line]
        return [line for line in lines if line["event"] == event]

    def customers(self) -> list[dict[str, Any]]:
        """Every stored customer."""
        with MongoClient[dict[str, Any]](self.environment["INTAKE_MONGODB_URI"]) as client:
            return list(client[self.environment["INTAKE_MONGODB_DATABASE"]]["customers"].find())

    def redis(self) -> redis.Redis:
        """A client of the broker."""
        return redis.Redis.from_url(self.environment["INTAKE_REDIS_URL"])

    def tasks(self) -> int:
        """How many task records there are."""
        with self.redis() as client:
            return sum(1 for _ in client.scan_iter("intake:task:*", count=1000))

    def wait_until_idle(self) -> None:
        """Wait until every accepted task has its outcome."""
        with self.redis() as client:
            wait_until(lambda: client.zcard(OPEN_KEY) == 0, timeout=30, what="no task is open")


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side hangs up."""
    received = b""
    with suppress(ConnectionError):
        while chunk := connection.recv(1 << 16):
            received += chunk
    return received


def read_answer(connection: socket.socket) -> bytes:
    """Read one whole answer."""
    answer = b""
    while chunk := connection.recv(65536):
        answer += chunk
        head, found, body = answer.partition(b"\r\n\r\n")
        if found and not head.startswith(b"HTTP/1.1 100"):
            lengths = [
                int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.startswith(b"content-length")
            ]
            if lengths and len(body) >= lengths[0]:
                break
    return answer


def parse_raw(answer: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON body of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = body[: int(headers["content-length"])] if "content-length" in headers else body
    return int(status.split()[1]), headers, json.loads(body) if body else None
