"""What the edge does around every request."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route

from edge.answers import responses
from edge.context import RequestContext
from edge.metrics import EdgeMetrics

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

CANARY = "canary-in-an-exceptions-text"


class _Faulty:
    def __init__(self, *, begins: bool) -> None:
        self._begins = begins

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        if self._begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(CANARY)


async def _internal_error(_request: Any, _error: Exception) -> Any:
    return responses.internal_error()


def _answer(*, begins: bool) -> tuple[list[Any], list[Any]]:
    routes = [Route("/faulty", _Faulty(begins=begins), methods=["GET"])]
    context = RequestContext(
        Starlette(routes=routes, exception_handlers={Exception: _internal_error}),
        EdgeMetrics(CollectorRegistry()),
        draining=lambda: False,
    )
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/faulty",
        "raw_path": b"/faulty",
        "http_version": "1.1",
    }
    scope["headers"] = [(b"host", b"x"), (b"x-request-id", b"mine")]
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    with structlog.testing.capture_logs() as events:
        asyncio.run(context(scope, receive, send))
    return sent, events


def test_a_fault_of_our_own_is_answered_as_an_internal_error() -> None:
    (start, body), _ = _answer(begins=False)

    assert start["status"] == 500
    assert (b"x-request-id", b"mine") in start["headers"]
    assert json.loads(body["body"]) == {"ok": False, "error": "internal_error"}


@pytest.mark.parametrize("begins", [False, True], ids=["before the answer", "within the answer"])
def test_a_fault_of_our_own_is_logged_and_does_not_reach_the_server(begins: bool) -> None:
    sent, (failed, request) = _answer(begins=begins)

    assert sum(message["type"] == "http.response.start" for message in sent) == 1
    assert (failed["event"], failed["request_id"]) == ("request_failed", "mine")
    assert request["event"] == "request"
    assert CANARY not in json.dumps(sent, default=str)
