"""What shim and worker read alike from their environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from startup.broker.redis_url import RedisUrl, RedisUrlFault, parse_redis_url
from startup.environment import MINIMUM_KEY_BYTES, EnvironmentReader

if TYPE_CHECKING:
    from pydantic import SecretBytes

IDEMPOTENCY_WINDOW_SECONDS: Final = 24 * 60 * 60
"""How long a repeat with the same Idempotency-Key gets the first call's task (the HTTP contract's 24 hours)."""

_MAXIMUM_TTL_SECONDS: Final = 30 * 24 * 60 * 60

_DEFAULT_REDIS: Final = "redis://127.0.0.1:6379/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSettings:
    """What both sides read alike."""

    redis_url: RedisUrl
    """Broker, task records and results: one Redis, so that accepting and finishing are one atomic call each."""
    id_key: SecretBytes
    """Keys the fingerprints of requests and the ids derived from them; the same on both sides."""
    result_ttl_seconds: int
    """How long an outcome can be read. Never under the idempotency window, since the record serves both."""
    log_level: str
    log_format: Literal["auto", "json", "console"]


def read_shared_settings(reader: EnvironmentReader) -> SharedSettings:
    """Read the settings of both sides; faults are left with the reader."""
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
    """`REDIS_URL`, or the content of the file that `REDIS_URL_FILE` names."""
    try:
        return parse_redis_url(reader.secret_text("REDIS_URL", _DEFAULT_REDIS))
    except RedisUrlFault as error:
        reader.fault("REDIS_URL", str(error))
        return parse_redis_url(_DEFAULT_REDIS)
