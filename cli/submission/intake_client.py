"""A connection to the shim, for `submit` and `batches`. Uses the standard library alone, so needs no dependency."""

from __future__ import annotations

import http.client
import json
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BATCH_PATH: Final = "/customer/v1/customer.create.batch"
"""The method, below the service's prefix."""

_METHODS: Final = (BATCH_PATH, BATCH_PATH.removesuffix(".batch"))
"""What a URL may end with: this method, or the one for single signups."""

_CALL_SECONDS: Final = 60
"""For how long nothing may move on a connection, beside the time that the shim is asked to hold a call. The shim slows
an upload for less while the queue is full or Redis is away."""


class InvalidUrlError(Exception):
    """The URL cannot be used. The text says why and does not repeat the URL."""


class NoAnswerError(Exception):
    """No answer came, so that nobody knows whether the call arrived. It may be repeated."""


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of the method's URL."""

    secure: bool
    host: str
    port: int | None
    path: str

    @classmethod
    def of(cls, url: str) -> Target:
        """The target that a URL names: the service's root, a prefix before the method's path, or the method itself.

        Raises:
            InvalidUrlError: it is no plain http or https URL.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise InvalidUrlError("this is no URL") from None
        if parts.scheme not in {"http", "https"} or not host or not url.isascii() or not url.isprintable():
            raise InvalidUrlError("expected http://HOST:PORT or https://HOST, with or without a path")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise InvalidUrlError("a URL with a user, a password, a query or a fragment is not taken")
        prefix = quote(parts.path, safe="/%").rstrip("/")
        for method in _METHODS:
            prefix = prefix.removesuffix(method)
        return cls(parts.scheme == "https", host, port, prefix + BATCH_PATH)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of the shim."""

    status: int
    document: dict[str, Any]
    """The body. Empty where that is no JSON object: then something other than the shim has answered."""
    retry_after_seconds: float = 0.0

    @property
    def batch(self) -> dict[str, Any]:
        """The batch that the answer tells of; empty where it tells of none."""
        batch = self.document.get("batch")
        return batch if isinstance(batch, dict) else {}

    @property
    def error(self) -> str:
        """The code of a failure, or `http_<status>` where the body names none."""
        return str(self.document.get("error", f"http_{self.status}"))


class IntakeClient:
    """Calls the methods of batches, each on a connection of its own."""

    def __init__(self, target: Target, token: str) -> None:
        self._target = target
        self._authorization = f"Bearer {token}"

    def upload(self, pieces: Iterable[bytes], **query: str) -> Answer:
        """`customer.create.batch` with this body.

        Raises:
            NoAnswerError: no answer came. The call may be repeated.
        """
        headers = {"Content-Type": "application/x-ndjson"}
        with self._answer("POST", f"{self._target.path}?{urlencode(query)}", pieces, headers) as response:
            return _answer_of(response)

    def result(self, batch_id: str) -> Answer:
        """`customer.create.batch.result`.

        Raises:
            NoAnswerError: no answer came. The call may be repeated.
        """
        with self._answer("GET", f"{self._target.path}.result?{urlencode({'id': batch_id})}") as response:
            return _answer_of(response)

    def list(self) -> Answer:
        """`customer.create.batch.list`.

        Raises:
            NoAnswerError: no answer came. The call may be repeated.
        """
        with self._answer("GET", f"{self._target.path}.list") as response:
            return _answer_of(response)

    def cancel(self, batch_id: str) -> Answer:
        """`customer.create.batch.cancel`.

        Raises:
            NoAnswerError: no answer came. The call may be repeated.
        """
        body = json.dumps({"id": batch_id}).encode()
        headers = {"Content-Type": "application/json"}
        with self._answer("POST", f"{self._target.path}.cancel", body, headers) as response:
            return _answer_of(response)

    def rows(
        self, batch_id: str, *, after: int, limit: int | None = None, only_failed: bool = False, follow: bool = True
    ) -> Iterator[dict[str, Any] | Answer]:
        """`customer.create.batch.rows`: yield each row after line `after` as it comes; or a failure.

        Args:
            batch_id: the batch.
            after: rows of this line and of lines before it are left out.
            limit: how many rows at most. None: all with `follow`, else as many as the service tells by itself.
            only_failed: whether rows that succeeded are left out.
            follow: whether to wait for rows that have no outcome yet, to the last row.

        Raises:
            NoAnswerError: the connection was lost, or nothing came for long. The call may go on after the last row.
        """
        query = urlencode(
            {"id": batch_id, "after": after, "follow": "true" if follow else "false"}
            | ({} if limit is None else {"limit": limit})
            | ({"only": "failed"} if only_failed else {})
        )
        with self._answer("GET", f"{self._target.path}.rows?{query}") as response:
            if response.status != http.client.OK:
                yield _answer_of(response)
                return
            while line := response.readline():
                if not line.endswith(b"\n"):
                    raise NoAnswerError("the answer was cut off")
                yield json.loads(line)

    @contextmanager
    def _answer(
        self, method: str, path: str, body: Iterable[bytes] | bytes | None = None, headers: dict[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        target = self._target
        connection = (
            http.client.HTTPSConnection(
                target.host, target.port, timeout=_CALL_SECONDS, context=ssl.create_default_context()
            )
            if target.secure
            else http.client.HTTPConnection(target.host, target.port, timeout=_CALL_SECONDS)
        )
        try:
            connection.connect()
            # The shim may answer a body before its end, then hang up. Its answer can still be read.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(
                    method,
                    path,
                    body,
                    {"Authorization": self._authorization, **(headers or {})},
                    # Only a body whose length nobody knows is sent in chunks.
                    encode_chunked=body is not None,
                )
            yield connection.getresponse()
        except (OSError, ValueError, http.client.HTTPException) as error:
            # No exception's own text: http.client's may quote what was on the wire.
            raise NoAnswerError(_fault_of(error)) from None
        finally:
            connection.close()


def _fault_of(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not error.strerror:
        return f"nothing came for {_CALL_SECONDS} seconds"
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _answer_of(response: http.client.HTTPResponse) -> Answer:
    try:
        document = json.loads(response.read())
    except ValueError:
        document = None
    retry_after = response.getheader("Retry-After", "")
    return Answer(
        response.status,
        document if isinstance(document, dict) else {},
        # The header's other form, a date, is never sent by the shim.
        float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0,
    )
