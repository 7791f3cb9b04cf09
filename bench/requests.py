"""The requests that the driver sends, as bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.example import example_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Target:
    """Where requests go, and the headers that they carry."""

    port: int
    path: str
    headers: dict[str, str] = field(default_factory=dict)

    def signups(self, run: str) -> Callable[[int], bytes]:
        """A function that makes the n-th signup of a run: the example request with an email of its own."""
        head, _, tail = json.dumps(example_request(email="")).partition('"email": ""')
        before = self._head("POST", self.path, "content-type: application/json")

        def request(number: int) -> bytes:
            body = f'{head}"email": "{run}-{number}@example.com"{tail}'
            return f"{before}content-length: {len(body)}\r\n\r\n{body}".encode()

        return request

    def reads(self, task_ids: Sequence[str]) -> Callable[[int], bytes]:
        """A function that makes the n-th request for a result, taking the tasks in turn."""
        before = [self._head("GET", f"{self.path}.result?id={each}").encode() + b"\r\n" for each in task_ids]
        return lambda number: before[number % len(before)]

    def _head(self, method: str, path: str, *lines: str) -> str:
        fields = [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([f"{method} {path} HTTP/1.1", f"host: 127.0.0.1:{self.port}", *lines, *fields, ""])
