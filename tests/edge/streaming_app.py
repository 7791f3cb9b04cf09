"""A server of long bodies and long answers. It has the shim's edge around methods that only a test needs.

`python -m tests.edge.streaming_app` serves with the shim's settings. `POST /up` takes a body in pieces, `GET
/down` makes an answer. With `held` in the query both stop after a MiB, until `POST /open`. With `late` in the query
`/up` begins to read once the server has stopped listening. `GET /counts` tells what they have done.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api_shim.settings import read_shim_settings
from edge.answers.answer import StreamedAnswer
from edge.answers.refusals import Refusals, count_malformed_requests
from edge.bodies import Bodies
from edge.bounds import RequestsAtOnce
from edge.context import RequestContext
from edge.endpoint import Endpoint
from edge.metrics import EdgeMetrics
from edge.server.connections import CONNECTIONS, Connections
from edge.server.draining import drain_on_signals
from edge.server.strict_h11 import make_h11_strict
from edge.server.uvicorn_server import serve
from startup.logs import configure_logs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from edge.request import HttpRequest

MIB: Final = 1024 * 1024
MOST_BYTES: Final = 1024 * MIB
_PIECE: Final = b"x" * (64 * 1024)


class _Methods:
    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._open = asyncio.Event()
        self.stopped_listening = asyncio.Event()
        self.counts: dict[str, int] = {}
        self._begin_anew()

    async def up(self, request: HttpRequest) -> StreamedAnswer:
        """Take the body. The answer is its length."""
        query = parse_qs(request.query.decode(), keep_blank_values=True)
        taken = 0
        self.counts["uploads_begun"] += 1
        if "late" in query:
            await self.stopped_listening.wait()
        try:
            async for piece in self._bodies.pieces(request, maximum_bytes=MOST_BYTES):
                taken += len(piece)
                self.counts["taken"] += len(piece)
                if "held" in query and taken > MIB:
                    await self._open.wait()
        finally:
            self.counts["uploads_ended"] += 1
        return StreamedAnswer(200, self._made(len(str(taken)), str(taken).encode()), [])

    async def down(self, request: HttpRequest) -> StreamedAnswer:
        """Answer with as many bytes as are asked for."""
        query = parse_qs(request.query.decode(), keep_blank_values=True)
        return StreamedAnswer(200, self._made(int(query["bytes"][0]), held="held" in query, fails="fails" in query), [])

    async def _made(
        self, length: int, piece: bytes = _PIECE, *, held: bool = False, fails: bool = False
    ) -> AsyncGenerator[bytes, None]:
        made = 0
        try:
            while made < length:
                yield piece[: length - made]
                made += len(piece)
                self.counts["made"] += len(piece)
                if held and made > MIB:
                    await self._open.wait()
                if fails:
                    raise RuntimeError("canary in an exception's text")
        finally:
            self.counts["answers_ended"] += 1

    async def open(self, _request: Request) -> Response:
        """Let the requests that are held go on."""
        self._open.set()
        return Response(status_code=204)

    async def reset(self, _request: Request) -> Response:
        """Forget all counts, for the next test."""
        self._begin_anew()
        return Response(status_code=204)

    def _begin_anew(self) -> None:
        self._open.clear()
        self.counts = {"taken": 0, "made": 0, "uploads_begun": 0, "uploads_ended": 0, "answers_ended": 0}

    async def tell(self, _request: Request) -> Response:
        """Answer with the counts."""
        return JSONResponse(self.counts)


def create_app() -> ASGIApp:
    """Make the application as `api_shim.app` does, without tasks."""
    settings = read_shim_settings(os.environ)
    edge = settings.edge
    configure_logs(level="info", log_format="json", component="shim")
    registry = CollectorRegistry()
    metrics = EdgeMetrics(registry)
    refusals = Refusals(metrics.turned_away)
    bodies = Bodies(refusals, maximum_bytes=settings.maximum_body_bytes, seconds=edge.body_seconds)
    methods = _Methods(bodies)
    at_once = RequestsAtOnce(refusals, maximum=edge.maximum_requests, waiting=lambda: 0)
    connections = Connections(edge, refusals, maximum=edge.maximum_connections)
    draining = asyncio.Event()

    def end() -> None:
        connections.hurry()
        bodies.hurry()
        methods.stopped_listening.set()

    async def show_metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type="text/plain")

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        make_h11_strict(maximum_head_bytes=edge.maximum_head_bytes)
        count_malformed_requests(refusals)
        drain_on_signals(seconds=edge.drain_seconds, drain=draining.set, end=end)
        yield {CONNECTIONS: connections}

    routes = [
        Route("/up", at_once.around(Endpoint(methods.up)), methods=["POST"]),
        Route("/down", at_once.around(Endpoint(methods.down)), methods=["GET"]),
        Route("/open", methods.open, methods=["POST"]),
        Route("/reset", methods.reset, methods=["POST"]),
        Route("/counts", methods.tell),
        Route("/metrics", show_metrics),
    ]
    return RequestContext(Starlette(routes=routes, lifespan=lifespan), metrics, draining=draining.is_set)


def main() -> None:
    """Serve until a signal ends the process."""
    configure_logs(level="info", log_format="json", component="shim")
    settings = read_shim_settings(os.environ)
    serve(
        "tests.edge.streaming_app:create_app",
        settings.edge,
        host=settings.host,
        port=settings.port,
        processes=settings.processes,
        settings="INTAKE_HOST, INTAKE_PORT",
    )


if __name__ == "__main__":
    main()
