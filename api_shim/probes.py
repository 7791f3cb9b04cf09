"""What machines ask: does it serve, is it ready, what does it count, how is it called."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from api_shim import responses
from api_shim.redis_calls import BrokerUnavailableError, RedisCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from api_shim.metrics import ShimMetrics
    from api_shim.responses import Answer
    from api_shim.subscription import OutcomeSubscription

_DOCS_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)
"""The page asks no other host for anything."""

_MEDIA_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


class Probes:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(
        self,
        calls: RedisCalls,
        subscription: OutcomeSubscription,
        metrics: ShimMetrics,
        *,
        awaits_keys: Callable[[], bool],
    ) -> None:
        self._calls = calls
        self._subscription = subscription
        self._metrics = metrics
        self._awaits_keys = awaits_keys

    async def healthz(self, _request: Request) -> Answer:
        """The process serves."""
        return responses.healthy()

    async def readyz(self, _request: Request) -> Answer:
        """Requests can be accepted."""
        if self._subscription.draining:
            return responses.not_ready(["shutting_down"])
        missing = ["token_keys"] if self._awaits_keys() else []
        try:
            await self._calls.command("PING")
        except BrokerUnavailableError:
            missing.append("broker")
        return responses.not_ready(missing) if missing else responses.healthy()

    async def metrics(self, _request: Request) -> Response:
        """Prometheus' text format."""
        return Response(await self._metrics.render(self._calls), media_type="text/plain; version=0.0.4")


class Documents:
    """`/openapi.json` and `/docs`, from this package's own files."""

    def __init__(self, openapi: bytes) -> None:
        self._openapi = openapi
        folder = files("api_shim").joinpath("docs_page")
        self._files = {
            entry.name: (entry.read_bytes(), media_type)
            for entry in folder.iterdir()
            if (media_type := _MEDIA_TYPES.get("." + entry.name.rpartition(".")[2])) is not None
        }

    async def openapi(self, _request: Request) -> Response:
        """The description of this interface."""
        return Response(self._openapi, media_type="application/json")

    async def page(self, request: Request) -> Response | Answer:
        """The documentation page, or a file of it."""
        found = self._files.get(request.path_params.get("name", "index.html"))
        if found is None:
            return responses.not_found()
        content, media_type = found
        headers = {"content-security-policy": _DOCS_POLICY, "x-content-type-options": "nosniff"}
        return Response(content, headers=headers, media_type=media_type)
