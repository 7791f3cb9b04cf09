"""The settings of traces. Where they are sent is told by OpenTelemetry's own variables, which its exporter reads."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from startup.environment import EnvironmentReader

_DEFAULT_RATIO: Final = 0.05
"""Of the traces that begin at this service."""

_NEEDED: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
"""What the extra `otel` installs."""

_PREFIXES: Final = ("OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_")
"""What the names of OpenTelemetry's variables about a collector begin with. The second is for traces alone."""
_ENDPOINT: Final = "ENDPOINT"
"""The variable of the collector's URL."""
_FILES: Final = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
"""The variables of files for TLS."""


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
    elif settings.is_on:
        _check_collector(reader)
    return settings


def _check_collector(reader: EnvironmentReader) -> None:
    """Report what the exporter itself would find only as it sends, and then as a failure like any other."""
    for prefix in _PREFIXES:
        url = reader.environment.get(prefix + _ENDPOINT, "").strip()
        if url and not _is_http(url):
            reader.foreign_fault(prefix + _ENDPOINT, "must be a URL that begins with http:// or https://")
        for name in _FILES:
            reader.foreign_file(prefix + name)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number
        return False


def _is_installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in _NEEDED)
    except ModuleNotFoundError:
        return False
