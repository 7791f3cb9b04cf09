"""A JWKS document fetched by HTTP, off the event loop, within bounds of time and size.

PyJWT has a client for this; it blocks its caller, follows redirects and reads without a bound.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from edge.tokens.keys import PublicKeyFault, parse_jwks

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from edge.tokens.keys import VerificationKey

FETCH_SECONDS: Final = 5.0
"""The time for one fetch of a JWKS."""
MAXIMUM_DOCUMENT_BYTES: Final = 256 * 1024
"""The largest answer that is read. A provider's set of keys has some kilobytes."""

_PIECE_BYTES: Final = 64 * 1024
"""How much of an answer is read at once."""


class FetchError(Exception):
    """The keys could not be fetched. `reason` is a code of ours; it repeats nothing of the answer or of the URL."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirect: keys come from the URL of the settings, and nobody else may choose another place."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none. `urlopen` then raises an HTTPError with the status of the redirect."""


async def fetch_jwks(url: str, *, seconds: float = FETCH_SECONDS) -> tuple[VerificationKey, ...]:
    """The keys that are at this URL.

    Raises:
        FetchError: `timeout`, `unreachable`, `tls`, `redirect`, `status_<number>`, `too_large`, `no_http`,
            `no_usable_key`, `no_thread`, or `failed` by an error of ours.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[VerificationKey, ...]] = loop.create_future()

    def run() -> None:
        try:
            keys = _fetch(url, seconds)
        except FetchError as error:
            _tell(loop, future, None, error)
        except Exception:  # noqa: BLE001 - whatever it is, somebody waits for word of it
            _tell(loop, future, None, FetchError("failed"))
        else:
            _tell(loop, future, keys, None)

    # A thread of its own, not one of the loop's executor: a name look-up that hangs must not delay the process' end.
    try:
        threading.Thread(target=run, name="jwks", daemon=True).start()
    except RuntimeError:
        raise FetchError("no_thread") from None
    try:
        async with asyncio.timeout(seconds):
            return await future
    except TimeoutError:
        raise FetchError("timeout") from None


def _tell(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[tuple[VerificationKey, ...]],
    keys: tuple[VerificationKey, ...] | None,
    error: FetchError | None,
) -> None:
    def settle() -> None:
        if future.done():
            return  # nobody waits any longer
        if error is not None:
            future.set_exception(error)
        elif keys is not None:
            future.set_result(keys)

    with suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(settle)


def _fetch(url: str, seconds: float) -> tuple[VerificationKey, ...]:
    request = Request(url, headers={"accept": "application/json", "user-agent": "customer-intake"})  # noqa: S310 - the settings take https alone, or http on this machine
    # A proxy of the environment is used for other hosts, never for this machine.
    proxies = [ProxyHandler({})] if url.startswith("http:") else []
    try:
        with build_opener(_NoRedirects, *proxies).open(request, timeout=seconds) as response:
            if response.status != HTTPStatus.OK:
                raise FetchError(f"status_{response.status}")
            document = _read(response, seconds)
    except HTTPError as error:
        error.close()
        raise FetchError("redirect" if 300 <= error.code < 400 else f"status_{error.code}") from None  # noqa: PLR2004
    except TimeoutError:
        raise FetchError("timeout") from None
    except URLError as error:
        raise FetchError(_reason(error.reason)) from None
    except OSError:
        raise FetchError("unreachable") from None
    except HTTPException:
        raise FetchError("no_http") from None
    try:
        return parse_jwks(document)
    except PublicKeyFault:
        raise FetchError("no_usable_key") from None


def _read(response: HTTPResponse, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    document = bytearray()
    while piece := response.read1(_PIECE_BYTES):
        document += piece
        if len(document) > MAXIMUM_DOCUMENT_BYTES:
            raise FetchError("too_large")
        if time.monotonic() > deadline:  # each single read may be in time where a byte comes now and then
            raise FetchError("timeout")
    return bytes(document)


def _reason(cause: object) -> str:
    if isinstance(cause, TimeoutError):
        return "timeout"
    return "tls" if isinstance(cause, ssl.SSLError) else "unreachable"
