"""The console's settings, read once at start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from edge.settings import EdgeSettings, read_edge_settings
from edge.tokens.settings import TokenSettings, read_token_settings
from startup.environment import MINIMUM_KEY_BYTES, EnvironmentReader
from startup.shared_settings import read_redis_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretBytes

    from startup.broker.redis_url import RedisUrl

DEFAULT_PORT: Final = 3006
"""Where the console listens unless told otherwise."""

_HOUR_SECONDS: Final = 3600
"""The unit of the session's length."""

_MOST_CONNECTIONS: Final = 1024
"""Far more than there are operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """The settings of the console, as its environment gives them."""

    redis_url: RedisUrl
    tokens: TokenSettings
    host: str
    port: int
    session_key: SecretBytes | None
    """Signs the cookie of a session. None: each start makes a new key, so that sessions end with the process."""
    session_seconds: int
    """How long a session lasts at most. One that a bearer token began ends with the token if that is sooner."""
    redis_timeout_seconds: float
    log_level: str
    log_format: Literal["auto", "json", "console"]
    edge: EdgeSettings


def read_console_settings(environment: Mapping[str, str]) -> ConsoleSettings:
    """Read and check everything at once.

    Raises:
        SettingsError: with a sentence for each variable that is missing or unusable.
    """
    reader = EnvironmentReader(environment)
    log_format = reader.choice("LOG_FORMAT", ("auto", "json", "console"), "auto")
    session_key = reader.optional_secret("CONSOLE_SESSION_KEY")
    if session_key is not None and len(session_key.get_secret_value()) < MINIMUM_KEY_BYTES:
        reader.fault("CONSOLE_SESSION_KEY", f"must be at least {MINIMUM_KEY_BYTES} bytes long")
    settings = ConsoleSettings(
        redis_url=read_redis_url(reader),
        tokens=read_token_settings(reader),
        host=reader.text("CONSOLE_HOST", "127.0.0.1"),
        port=reader.integer("CONSOLE_PORT", DEFAULT_PORT, minimum=1, maximum=65535),
        session_key=session_key,
        session_seconds=_HOUR_SECONDS * reader.integer("CONSOLE_SESSION_HOURS", 12, minimum=1, maximum=168),
        redis_timeout_seconds=reader.seconds("REDIS_TIMEOUT_SECONDS", 2, minimum=0.1, maximum=30),
        log_level=reader.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info"),
        log_format="json" if log_format == "json" else "console" if log_format == "console" else "auto",
        # No load balancer spreads operators, and the port of the shim's metrics is the shim's.
        edge=replace(
            read_edge_settings(reader), metrics_port=0, drain_seconds=0, maximum_connections=_MOST_CONNECTIONS
        ),
    )
    reader.check()
    return settings
