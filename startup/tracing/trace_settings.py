"""The settings of traces. Where they are sent is told by OpenTelemetry's own variables, which its exporter reads."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from startup.environment import EnvironmentReader

_DEFAULT_RATIO: Final = 0.05
"""Of the traces that begin at this service."""

_NEEDED: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
"""What the extra `otel` installs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSettings:
    """Whether traces are recorded, and how many."""

    is_on: bool
    ratio: float
    """How many of the traces that begin here are recorded, from 0 to 1. A caller's trace is recorded as it says."""


def read_trace_settings(reader: EnvironmentReader) -> TraceSettings:
    """Read the settings. Faults are left with the reader."""
    settings = TraceSettings(
        is_on=reader.flag("TRACES"), ratio=reader.number("TRACES_RATIO", _DEFAULT_RATIO, minimum=0, maximum=1)
    )
    if settings.is_on and not _is_installed():
        reader.fault("TRACES", "needs the extra `otel`: pip install 'customer-intake[otel]'")
    return settings


def _is_installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in _NEEDED)
    except ModuleNotFoundError:
        return False
