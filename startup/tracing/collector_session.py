"""The HTTP session over which spans are sent. It reads of a collector's answer what it needs, and no more."""

from __future__ import annotations

import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
import urllib3
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it brings no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

_ANSWER_BYTES: Final = 64 * 1024
"""How much of an answer's body is read. The rest is dropped with the connection: the status has said what counts."""
_DEFAULT_SECONDS: Final = 10.0
"""How long a body may take where the exporter names no timeout."""
_REDIRECTS: Final = range(300, 400)
"""Statuses after which nobody has the spans. The exporter takes them for successes."""
_REASONS: Final = (
    (requests.exceptions.TooManyRedirects, "redirect"),
    (requests.exceptions.SSLError, "tls"),
    (requests.exceptions.Timeout, "timeout"),
    (requests.exceptions.ConnectionError, "unreachable"),
)
"""What is said of exceptions; the first that fits counts."""


class CollectorSession(requests.Session):
    """Makes requests for OpenTelemetry's exporter, one at a time, and remembers what came of the last one."""

    def __init__(self) -> None:
        super().__init__()
        # A collector needs no cookies, and each of them would be kept for ever.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        # Nobody unpacks the answer.
        self.headers["accept-encoding"] = "identity"
        self.reason = ""
        """Why the collector has not taken the spans, as a code."""
        self.rejected = 0
        """How many of the spans the collector has not taken, though it took the others."""

    def request(self, *args: Any, **options: Any) -> requests.Response:
        """Make a request.

        Raises:
            RequestException: no answer came, or one that sends elsewhere.
        """
        self.reason, self.rejected = "", 0
        try:
            with super().request(*args, **{**options, "stream": True}) as response:
                if response.status_code in _REDIRECTS:
                    raise requests.exceptions.TooManyRedirects
                body = _beginning(response, seconds=options.get("timeout") or _DEFAULT_SECONDS)
        except requests.exceptions.RequestException as error:
            self.reason = next((reason for kind, reason in _REASONS if isinstance(error, kind)), "failed")
            raise
        if response.ok:
            self.rejected = _rejected(body)
            self.reason = "rejected" if self.rejected else ""
        else:
            self.reason = f"status_{response.status_code}"
        return response


def _beginning(response: requests.Response, *, seconds: float) -> bytes:
    """The answer's body as it came. One that is too long, too slow or broken ends early."""
    until = time.monotonic() + seconds
    body = bytearray()
    try:
        while len(body) < _ANSWER_BYTES and time.monotonic() < until:
            piece = response.raw.read1(_ANSWER_BYTES - len(body), decode_content=False)
            if not piece:
                break
            body += piece
    except (urllib3.exceptions.HTTPError, OSError):
        pass
    return bytes(body)


def _rejected(body: bytes) -> int:
    """How many spans the collector says that it has not taken. What is no such answer says nothing."""
    answer = ExportTraceServiceResponse()
    try:
        answer.MergeFromString(body)
    except DecodeError:
        return 0
    return max(0, answer.partial_success.rejected_spans)
