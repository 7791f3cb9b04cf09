"""One kept-alive connection to the shim, for `submit`. Only the standard library: the command adds no dependency."""

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
_CALL_SECONDS: Final = 30
"""For an answer that is not waited for on purpose; the shim gives up on Redis long before."""


class InvalidUrlError(Exception):
    """The URL cannot be used; the text does not repeat it."""


class NoAnswerError(Exception):
    """The call may or may not have arrived: repeat it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the method is."""

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
    """What the shim said."""

    status: int
    document: dict[str, Any]
    """Empty where the body is no JSON object: then something else than the shim has answered."""
    retry_after_seconds: float

    @property
    def task_id(self) -> str | None:
        """The task that a call was accepted as."""
        task = self.document.get("task")
        return str(task["id"]) if isinstance(task, dict) and "id" in task else None

    @property
    def error(self) -> str:
        """The code of a failure, or the status where there is none."""
        return str(self.document.get("error", f"http_{self.status}"))


class IntakeConnection:
    """Calls the two methods, one at a time. A broken connection is made anew with the next call."""

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
            NoAnswerError: as it says.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return self._call("POST", self._path, body, headers, seconds=_CALL_SECONDS)

    def result(self, task_id: str, *, wait_seconds: int) -> Answer:
        """`customer.create.result`; raises as `create` does."""
        path = f"{self._path}.result?id={quote(task_id, safe='')}&wait={wait_seconds}"
        return self._call("GET", path, None, {}, seconds=wait_seconds + _CALL_SECONDS)

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def abort(self) -> None:
        """Break off the call that another thread is in; there will be no other."""
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
                # The shim closes connections that were idle; that is no outage. Every call here may be repeated.
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
        # A body that is too large is answered before its end and the connection closed: the answer may be there still.
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
    """The header's seconds; its other form, a date, is not the shim's."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
