"""The trace of a request, as `traceparent` of W3C Trace Context carries it from process to process. No I/O.

`tracestate` is not kept. It is up to 512 characters of free text by which tracing products talk to themselves, and the
standard lets a service leave it out.
"""

from __future__ import annotations

import re
import secrets
from random import Random
from typing import Final, NamedTuple

SAMPLED: Final = 0b01
"""The flag of a trace whose spans are recorded."""
_RANDOM: Final = 0b10
"""The flag of a trace whose id is random. Whoever passes a trace on passes this flag on."""
KNOWN_FLAGS: Final = SAMPLED | _RANDOM
"""The flags that are passed on."""

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[ -~]*+)?+")
"""Version, trace id, span id, flags, and what newer versions add."""
_MAXIMUM_CHARACTERS: Final = 512
"""A longer `traceparent`, of a version to come, is ignored."""
_NO_VERSION: Final = "ff"
"""No version of the standard."""
_NO_TRACE: Final = "0" * 32
"""No trace's id."""
_NO_SPAN: Final = "0" * 16
"""No span's id."""

_HALF_BITS: Final = 64
"""Bits of the half of a trace id that decides whether the trace is recorded."""
_random: Final = Random()  # noqa: S311 - decides what is recorded, and guards nothing
"""Asks the system for no bits: that would be one more system call for each request. An id that is recorded gets its
other half from the system, so that nobody can foresee it."""


class TraceContext(NamedTuple):
    """A span's place: the trace that it belongs to, and its own id."""

    trace_id: str
    """32 hexadecimal digits in lower case."""
    span_id: str
    """16 hexadecimal digits in lower case."""
    flags: int
    """`SAMPLED`, and others that are passed on."""

    @property
    def is_sampled(self) -> bool:
        """Whether the spans of the trace are recorded."""
        return bool(self.flags & SAMPLED)

    @property
    def traceparent(self) -> str:
        """The context as a header, and as records keep it."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"

    def child(self) -> TraceContext:
        """The place of a new span of the same trace."""
        return TraceContext(self.trace_id, secrets.token_hex(8), self.flags)


def parse_traceparent(text: str) -> TraceContext | None:
    """The context that a `traceparent` holds; None where it is malformed. Of a newer version the known part is read.

    The result holds nothing of the text but ids in hexadecimal.
    """
    if len(text) > _MAXIMUM_CHARACTERS:
        return None
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == _NO_VERSION or (version == "00" and more) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, int(flags, 16) & KNOWN_FLAGS)


def new_recorded_trace() -> TraceContext:
    """The context of the first span of a new trace that is recorded whatever the ratio is."""
    return TraceContext(secrets.token_hex(16), secrets.token_hex(8), _RANDOM | SAMPLED)


class Sampling:
    """Decides which of the traces that begin here are recorded: a share of them, by the trace's id.

    OpenTelemetry's `traceidratio` decides alike.
    """

    def __init__(self, ratio: float) -> None:
        """`ratio`: from 0 to 1."""
        self._bound = round(ratio * 2**_HALF_BITS)

    def new_trace(self) -> TraceContext | None:
        """The context of the first span of a new trace; None where it is not recorded.

        Half of an id is drawn first: most calls need no more, and they are as many as there are requests.
        """
        half = _random.getrandbits(_HALF_BITS)
        if half >= self._bound:
            return None
        return TraceContext(f"{secrets.token_hex(8)}{half:016x}", secrets.token_hex(8), _RANDOM | SAMPLED)
