"""A client of `customer.create.batch` and the other methods of batches."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.contract.service import an_email
from tests.support.requests import a_request, as_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

    from tests.contract.service import Service

BATCH: Final = "/services/customer/v1/customer.create.batch"
NDJSON: Final = "application/x-ndjson"


def a_row(**changes: Any) -> bytes:
    """A valid row with an email of its own."""
    return as_body(a_request(**{"email": an_email(), **changes}))


def lines(*rows: bytes) -> bytes:
    """A body with these rows."""
    return b"".join(row + b"\n" for row in rows)


@dataclass(frozen=True)
class BatchClient:
    """A caller of batches."""

    service: Service
    sub: str = "tester"
    scope: str = "customer:create"

    @property
    def bearer(self) -> dict[str, str]:
        """The caller's token."""
        return self.service.bearer(sub=self.sub, scope=self.scope)

    def upload(
        self, body: bytes | Iterable[bytes], headers: Mapping[str, str] | None = None, /, **query: str
    ) -> httpx.Response:
        """`customer.create.batch`. An iterable is sent in chunks of HTTP. A header of "" is not sent."""
        merged = {"content-type": NDJSON, **self.bearer, **(headers or {})}
        sent = {name: value for name, value in merged.items() if value}
        return self.service.http.post(self.service.shim.url + BATCH, content=body, headers=sent, params=query)

    def accepted(self, body: bytes | Iterable[bytes], **query: str) -> str:
        """Upload a batch that must be accepted. Returns its id."""
        response = self.upload(body, **query)
        assert response.status_code == 202, response.text
        batch_id: str = response.json()["batch"]["id"]
        return batch_id

    def done(self, body: bytes | Iterable[bytes], **query: str) -> dict[str, Any]:
        """Upload a batch and wait until all its rows have their outcomes. Returns its summary."""
        response = self.upload(body, {"prefer": "wait=30"}, **query)
        assert response.status_code == 200, response.text
        summary: dict[str, Any] = response.json()["batch"]
        return summary

    def result(self, batch_id: str, *, wait: int = 20) -> httpx.Response:
        """`customer.create.batch.result`."""
        return self.service.get(f"{BATCH}.result", self.bearer, id=batch_id, wait=str(wait))

    def rows_of(self, batch_id: str, **query: str) -> list[dict[str, Any]]:
        """`customer.create.batch.rows`."""
        response = self.service.get(f"{BATCH}.rows", self.bearer, id=batch_id, **query)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == NDJSON
        return [json.loads(line) for line in response.text.splitlines()]

    def cancel(self, batch_id: str) -> httpx.Response:
        """`customer.create.batch.cancel`."""
        return self.service.post(as_body({"id": batch_id}), self.bearer, path=f"{BATCH}.cancel")

    def list(self) -> list[dict[str, Any]]:
        """`customer.create.batch.list`."""
        response = self.service.get(f"{BATCH}.list", self.bearer)
        assert response.status_code == 200, response.text
        listed: list[dict[str, Any]] = response.json()["batches"]
        return listed
