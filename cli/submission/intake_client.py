"""One kept-alive connection to the shim, for `submit`. Uses the standard library alone, so needs no dependency."""

from __future__ import annotations

import http.client
import json
import ssl
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR
from typing import Any, Final
from urllib.parse import quote, urlsplit

CREATE_PATH: Final = "/customer/v1/customer.create"
"""The method, below the service's prefix."""

_CALL_SECONDS: Final = 30
"""How long a call may take, beside the time that the shim is asked to hold it. The shim gives up on Redis sooner."""


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
        prefix = quote(parts.path, safe="/%").rstrip("/").removesuffix(CREATE_PATH)
        return cls(parts.scheme == "https", host, port, prefix + CREATE_PATH)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of the shim."""

    status: int
    document: dict[str, Any]
    """The body. Empty where that is no JSON object: then something other than the shim has answered."""
    retry_after_seconds: float

    @property
    def task_id(self) -> str | None:
        """The id of the task that the answer tells of; None where it tells of none."""
        task = self.document.get("task")
        return str(task["id"]) if isinstance(task, dict) and "id" in task else None

    @property
    def error(self) -> str:
        """The code of a failure, or `http_<status>` where the body names none."""
        return str(self.document.get("error", f"http_{self.status}"))


class IntakeConnection:
    """Calls the two methods, one call at a time. The next call connects again where the connection broke."""

    def __init__(self, target: Target, token: str) -> None:
        self._path = target.path
        self._authorization = f"Bearer {token}"
        self._aborted = False
        self._connection = (
            http.client.HTTPSConnection(
                target.host, target.port, timeout=_CALL_SECONDS, context=ssl.create_default_context()
            )
            if target.secure
            else http.client.HTTPConnection(target.host, target.port, timeout=_CALL_SECONDS)
        )

    def create(self, body: bytes, *, key: str) -> Answer:
        """`customer.create`.

        Raises:
            NoAnswerError: no answer came. The call may be repeated with the same key.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return self._call("POST", self._path, body, headers, seconds=_CALL_SECONDS)

    def result(self, task_id: str, *, wait_seconds: int) -> Answer:
        """`customer.create.result`.

        Raises:
            NoAnswerError: no answer came. The call may be repeated.
        """
        path = f"{self._path}.result?id={quote(task_id, safe='')}&wait={wait_seconds}"
        return self._call("GET", path, None, {}, seconds=wait_seconds + _CALL_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def abort(self) -> None:
        """Break off the call in which another thread is. No further call may follow."""
        self._aborted = True
        if (sock := self._connection.sock) is not None:
            with suppress(OSError):
                sock.shutdown(SHUT_RDWR)

    def _call(self, method: str, path: str, body: bytes | None, headers: dict[str, str], *, seconds: float) -> Answer:
        reused = self._connection.sock is not None
        try:
            try:
                return self._exchange(method, path, body, headers, seconds=seconds)
            except (ConnectionError, http.client.HTTPException):
                # The shim closes idle connections. That is no outage, and every call may be repeated: use a new one.
                self.close()
                if not reused or self._aborted:
                    raise
                return self._exchange(method, path, body, headers, seconds=seconds)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            # No exception's own text: http.client's may quote what was on the wire.
            raise NoAnswerError((isinstance(error, OSError) and error.strerror) or type(error).__name__) from None

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], *, seconds: float
    ) -> Answer:
        connection = self._connection
        if connection.sock is None:
            connection.timeout = _CALL_SECONDS
            connection.connect()
        connection.sock.settimeout(seconds)
        # The shim answers a body that is too large before its end, then hangs up. Its answer can still be read.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, {"Authorization": self._authorization, **headers})
        response = connection.getresponse()
        content = response.read()
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        return Answer(
            response.status,
            document if isinstance(document, dict) else {},
            _seconds(response.getheader("Retry-After", "")),
        )


def _seconds(retry_after: str) -> float:
    """The seconds of a Retry-After header. Its other form, a date, is never sent by the shim and counts as 0."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
