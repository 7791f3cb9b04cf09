"""The settings that shim and worker share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from startup.broker.redis_url import RedisUrl, RedisUrlFault, parse_redis_url
from startup.environment import MINIMUM_KEY_BYTES, EnvironmentReader

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


def read_shared_settings(reader: EnvironmentReader) -> SharedSettings:
    """Read the settings of both sides. Faults are left with the reader, whose `check` raises them."""
    log_format = reader.choice("LOG_FORMAT", ("auto", "json", "console"), "auto")
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
        log_format="json" if log_format == "json" else "console" if log_format == "console" else "auto",
    )


def read_redis_url(reader: EnvironmentReader) -> RedisUrl:
    """Read `REDIS_URL`, or the file that `REDIS_URL_FILE` names. A fault is left with the reader."""
    try:
        return parse_redis_url(reader.secret_text("REDIS_URL", _DEFAULT_REDIS))
    except RedisUrlFault as error:
        reader.fault("REDIS_URL", str(error))
        return parse_redis_url(_DEFAULT_REDIS)
