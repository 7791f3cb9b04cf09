"""A request as methods read it, and the faults that it may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from starlette.requests import ClientDisconnect

from edge.request_trace import UNTRACED

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

    from edge.request_trace import Trace


class InvalidRequestPartError(Exception):
    """A part of the request, `field`, breaks the rule in `message`. Neither text repeats what was sent."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class UnsupportedMediaTypeError(Exception):
    """The headers do not announce the body as uncompressed JSON in UTF-8."""


class HttpRequest:
    """A request as methods read it. Of a header that came several times, `header` gives the first, `headers` all."""

    __slots__ = ("_headers", "_receive", "_scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    @property
    def method(self) -> str:
        """The HTTP method, in capitals."""
        return str(self._scope["method"])

    @property
    def route(self) -> str:
        """The path of the route that matched. It is a text of this service, never one that a client chose."""
        return str(self._scope["route"].path)

    @property
    def query(self) -> bytes:
        """The part of the URL after the question mark, not decoded."""
        return bytes(self._scope["query_string"])

    def header(self, name: bytes) -> str | None:
        """The first header with this name, or None. The name must be in lower case."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def headers(self, name: bytes) -> list[str]:
        """All headers with this name, in their order. The name must be in lower case."""
        if name not in self._headers:
            return []
        return [value.decode("latin-1") for each, value in self._scope["headers"] if each == name]

    @property
    def trace(self) -> Trace:
        """The trace of this request."""
        trace: Trace = self._scope["state"].get("trace", UNTRACED)
        return trace

    def belongs_to(self, task_id: str) -> None:
        """Put the task's id into the log line of this request."""
        self._scope["state"]["task_id"] = task_id

    def belongs_to_batch(self, batch_id: str) -> None:
        """Put the batch's id into the log line of this request."""
        self._scope["state"]["batch_id"] = batch_id

    def refused_for(self, reason: str) -> None:
        """Put the reason for a refusal into the request's log line: a code of ours, never a text that was sent."""
        self._scope["state"]["reason"] = reason

    async def next_body(self) -> tuple[bytes, bool]:
        """Receive the next piece of the body, and whether more will follow.

        Raises:
            ClientDisconnect: the client has left.
        """
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        return message.get("body", b""), message.get("more_body", False)

    async def until_disconnected(self) -> NoReturn:
        """Wait until the client leaves, and throw away what it sends until then.

        Raises:
            ClientDisconnect: the client has left. This is the only way in which the call ends.
        """
        while (await self._receive())["type"] != "http.disconnect":
            pass
        raise ClientDisconnect
