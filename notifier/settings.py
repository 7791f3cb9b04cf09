"""The notifier's settings, read once at start. None of them is a key that opens a request."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from notifier.retries import Retries
from startup.environment import EnvironmentReader
from startup.shared_settings import read_log_format, read_redis_url
from startup.tracing.trace_settings import read_trace_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from notifier.sending.addresses import Network
    from startup.broker.redis_url import RedisUrl
    from startup.tracing.trace_settings import TraceSettings

_HOUR: Final = 3600.0
"""In seconds."""
_DAY: Final = 24 * _HOUR
"""In seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingSettings:
    """How events are sent to an endpoint. The command line sends in the same way."""

    timeout_seconds: float
    """How long one try may take."""
    connections: int
    """The most connections, and so the most tries at a time, of an endpoint that is not strict."""
    allowed: tuple[Network, ...]
    """Networks to which events may be sent, whatever they are."""
    allow_http: bool
    """Whether endpoints may be without TLS."""
    ca_file: Path | None
    """Authorities that are trusted beside those of the system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierSettings:
    """The settings of the notifier, as its environment gives them."""

    redis_url: RedisUrl
    log_level: str
    log_format: Literal["auto", "json", "console"]
    file: Path
    """The file of endpoints."""
    sending: SendingSettings
    retries: Retries
    off_seconds: float
    """For how long an endpoint may do nothing but fail before it is switched off."""
    most_waiting: int
    """The most events of an endpoint that are tried or wait for a further try."""
    metrics_port: int
    """Where `GET /metrics` answers. 0: nowhere."""
    metrics_host: str
    traces: TraceSettings


def read_notifier_settings(environment: Mapping[str, str]) -> NotifierSettings:
    """Read and check everything at once.

    Raises:
        SettingsError: with a sentence for each variable that is missing or unusable.
    """
    reader = EnvironmentReader(environment)
    settings = NotifierSettings(
        redis_url=read_redis_url(reader),
        log_level=reader.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info"),
        log_format=read_log_format(reader),
        file=read_webhooks_file(reader),
        sending=read_sending_settings(reader),
        retries=Retries(
            first_seconds=reader.seconds("WEBHOOKS_RETRY_SECONDS", 5, minimum=0.01, maximum=_HOUR),
            longest_seconds=reader.seconds("WEBHOOKS_RETRY_MAX_SECONDS", 6 * _HOUR, minimum=0.01, maximum=_DAY),
            give_up_seconds=reader.seconds("WEBHOOKS_GIVE_UP_SECONDS", 3 * _DAY, minimum=0.1, maximum=6 * _DAY),
        ),
        off_seconds=reader.seconds("WEBHOOKS_OFF_SECONDS", 5 * _DAY, minimum=0.1, maximum=30 * _DAY),
        most_waiting=reader.integer("WEBHOOKS_MAX_WAITING", 1000, minimum=1, maximum=100_000),
        metrics_port=reader.integer("NOTIFIER_METRICS_PORT", 0, minimum=0, maximum=65535),
        metrics_host=reader.text("NOTIFIER_METRICS_HOST", "127.0.0.1"),
        traces=read_trace_settings(reader),
    )
    reader.check()
    return settings


def read_webhooks_file(reader: EnvironmentReader) -> Path:
    """Read where the file of endpoints is. A fault is left with the reader."""
    return Path(reader.text("WEBHOOKS_FILE"))


def read_sending_settings(reader: EnvironmentReader) -> SendingSettings:
    """Read how events are sent. Faults are left with the reader."""
    ca_file = reader.text("WEBHOOKS_CA_FILE", "")
    return SendingSettings(
        timeout_seconds=reader.seconds("WEBHOOKS_TIMEOUT_SECONDS", 15, minimum=0.1, maximum=60),
        connections=reader.integer("WEBHOOKS_CONNECTIONS", 8, minimum=1, maximum=100),
        allowed=_read_networks(reader),
        allow_http=reader.flag("WEBHOOKS_ALLOW_HTTP"),
        ca_file=Path(ca_file) if ca_file else None,
    )


def _read_networks(reader: EnvironmentReader) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(each) for each in reader.text("WEBHOOKS_ALLOWED_NETWORKS", "").split())
    except ValueError:
        reader.fault("WEBHOOKS_ALLOWED_NETWORKS", "must be networks as 10.1.0.0/16, with spaces between")
        return ()
