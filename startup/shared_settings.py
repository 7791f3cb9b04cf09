"""The settings that shim and worker share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from pydantic import SecretStr

from startup.broker.redis_url import RedisUrl, RedisUrlFault, parse_redis_url
from startup.environment import MINIMUM_KEY_BYTES, EnvironmentReader
from startup.tracing.trace_settings import TraceSettings, read_trace_settings

if TYPE_CHECKING:
    from pydantic import SecretBytes

IDEMPOTENCY_WINDOW_SECONDS: Final = 24 * 60 * 60
"""How long a repeat with the same Idempotency-Key gets the task of the first call. The contract promises 24 hours."""

_MAXIMUM_TTL_SECONDS: Final = 30 * 24 * 60 * 60
"""The longest time for which an outcome may be kept: thirty days."""

_DEFAULT_REDIS: Final = "redis://127.0.0.1:6379/0"
"""A Redis on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSettings:
    """The settings that both sides read, with the same meaning."""

    redis_url: RedisUrl
    """The Redis of queue, task records and results. It is one server, so that each step is one atomic call."""
    id_key: SecretBytes
    """The secret that keys the fingerprints of requests and the derived ids. It is the same on both sides."""
    result_ttl_seconds: int
    """How long an outcome can be read. It is never less than the idempotency window, since one record serves both."""
    log_level: str
    log_format: Literal["auto", "json", "console"]
    traces: TraceSettings


def read_shared_settings(reader: EnvironmentReader) -> SharedSettings:
    """Read the settings of both sides. Faults are left with the reader, whose `check` raises them."""
    return SharedSettings(
        redis_url=read_redis_url(reader),
        id_key=reader.secret("ID_KEY", minimum_bytes=MINIMUM_KEY_BYTES),
        result_ttl_seconds=reader.integer(
            "RESULT_TTL_SECONDS",
            IDEMPOTENCY_WINDOW_SECONDS,
            minimum=IDEMPOTENCY_WINDOW_SECONDS,
            maximum=_MAXIMUM_TTL_SECONDS,
        ),
        log_level=reader.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info"),
        log_format=read_log_format(reader),
        traces=read_trace_settings(reader),
    )


def read_log_format(reader: EnvironmentReader) -> Literal["auto", "json", "console"]:
    """Read `LOG_FORMAT`. A fault is left with the reader."""
    log_format = reader.choice("LOG_FORMAT", ("auto", "json", "console"), "auto")
    return "json" if log_format == "json" else "console" if log_format == "console" else "auto"


def read_redis_url(reader: EnvironmentReader) -> RedisUrl:
    """Read `REDIS_URL`, and what the Sentinels in it want to know of this process. A fault is left with the reader."""
    try:
        url = parse_redis_url(reader.secret_text("REDIS_URL", _DEFAULT_REDIS))
    except RedisUrlFault as error:
        reader.fault("REDIS_URL", str(error))
        url = parse_redis_url(_DEFAULT_REDIS)
    username = reader.text("REDIS_SENTINEL_USERNAME", "") or None
    password = reader.secret_text("REDIS_SENTINEL_PASSWORD", "")
    if username and not password:
        reader.fault("REDIS_SENTINEL_USERNAME", "needs INTAKE_REDIS_SENTINEL_PASSWORD beside it")
    if url.sentinels is None or not password:
        return url
    return replace(url, sentinels=replace(url.sentinels, username=username, password=SecretStr(password)))
