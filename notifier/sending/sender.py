"""Sends events to one endpoint. One call is one try."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

import httpcore2
import structlog

from notifier.sending.answer_stream import AnswerStream
from notifier.sending.answers import Answer, Fault
from notifier.sending.checked_connections import CheckedConnections
from notifier.sending.resolving import AddressRefusedError, NameUnknownError, Resolver
from notifier.sending.retry_after import retry_after_seconds
from notifier.sending.signing import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from notifier.endpoints.endpoint import Endpoint
    from notifier.sending.addresses import Network

_ANSWER_BYTES: Final = 16 * 1024
"""How much of an answer's body is read. What follows is dropped with the connection: the status has said all."""
_IDLE_SECONDS: Final = 15.0
"""How long a connection is kept for the next event. Many servers close theirs after a little longer."""
_USER_AGENT: Final = "customer-intake"
"""What receivers see as the sender's program."""

log = structlog.get_logger("notifier.sender")


class Sender:
    """Sends to one endpoint, over connections of its own.

    A connection is kept for the next events of the endpoint. It is used only while its address is still one of those
    that the name resolves to, since the pool knows connections by their address.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout_seconds: float,
        connections: int,
        allowed: Sequence[Network],
        tls: ssl.SSLContext,
        look_up: Callable[[str, int], Sequence[str]] | None = None,
    ) -> None:
        """Send to this endpoint.

        Args:
            endpoint: where to, and how to sign.
            timeout_seconds: how long a try may take, from looking the name up to the answer's last byte.
            connections: the most connections at a time. A further try waits for one, within its own time.
            allowed: networks that an operator allows, whatever they are.
            tls: whose certificates are trusted.
            look_up: gives the addresses of a host. By default it is the system's resolver.
        """
        self._name = endpoint.name
        self._url = endpoint.url
        self._timeout_seconds = timeout_seconds
        self._signer = Signer(endpoint.secrets)
        self._resolver = Resolver(endpoint.url.host, endpoint.url.port, allowed=allowed, look_up=look_up)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=CheckedConnections(allowed=allowed),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections."""
        await self._pool.aclose()
        self._resolver.close()

    async def send(self, event_id: str, body: bytes, *, traceparent: str = "") -> Answer:
        """Try once to deliver the event. Whatever the receiver does is an answer, and no exception.

        Args:
            event_id: the same in each try.
            body: the event as JSON in UTF-8, the same in each try.
            traceparent: tells the receiver of the trace that it takes part in; empty for none.
        """
        try:
            return await self._send(event_id, body, {"traceparent": traceparent} if traceparent else {})
        except Exception:
            # It must not keep the other endpoints' events back. The event is tried again after its pause.
            log.exception("try_failed", endpoint=self._name, event_id=event_id)
            return Answer(fault=Fault.UNFORESEEN)

    async def _send(self, event_id: str, body: bytes, further: Mapping[str, str]) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._try_addresses(await self._resolver.addresses(), event_id, body, further)
        except (TimeoutError, httpcore2.TimeoutException):
            return Answer(fault=Fault.TIMEOUT)
        except NameUnknownError:
            return Answer(fault=Fault.UNKNOWN_NAME)
        except AddressRefusedError as error:
            return Answer(fault=Fault.ADDRESS_REFUSED, detail=error.reason)
        except httpcore2.ConnectError as error:
            return Answer(fault=Fault.TLS_FAILED if _is_of_tls(error) else Fault.NOT_CONNECTED)
        except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError, OSError):
            return Answer(fault=Fault.BROKEN_ANSWER)

    async def _try_addresses(
        self, addresses: Sequence[str], event_id: str, body: bytes, further: Mapping[str, str]
    ) -> Answer:
        # An address from which nothing comes back must leave time for the next one.
        share_seconds = self._timeout_seconds / len(addresses)
        for address in addresses[:-1]:
            try:
                return await self._post(address, event_id, body, further, connect_seconds=share_seconds)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                # Nothing was sent there.
                continue
        return await self._post(addresses[-1], event_id, body, further)

    async def _post(
        self,
        address: str,
        event_id: str,
        body: bytes,
        further: Mapping[str, str],
        *,
        connect_seconds: float | None = None,
    ) -> Answer:
        now = datetime.now(UTC)
        headers = {
            "host": self._url.host_header,
            "content-type": "application/json",
            "content-length": str(len(body)),
            "accept": "*/*",
            # Nobody unpacks the answer.
            "accept-encoding": "identity",
            "user-agent": _USER_AGENT,
            **further,
            **self._signer.headers(event_id, body, at=now),
        }
        url = httpcore2.URL(scheme=self._url.scheme, host=address, port=self._url.port, target=self._url.target)
        extensions: dict[str, Any] = {"timeout": {"connect": connect_seconds}}
        if self._url.is_https:
            # TLS names the host, and its certificate must be good for the host. The address stands for nothing there.
            extensions["sni_hostname"] = self._url.host
        async with self._pool.stream(
            "POST", url, headers=list(headers.items()), content=body, extensions=extensions
        ) as response:
            read = 0
            async for piece in response.aiter_stream():
                read += len(piece)
                if read > _ANSWER_BYTES:
                    break
            else:
                stream = response.extensions["network_stream"]
                if isinstance(stream, AnswerStream):
                    stream.look_for_surplus()
            return Answer(status=response.status, retry_after_seconds=retry_after_seconds(response.headers, now=now))


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
