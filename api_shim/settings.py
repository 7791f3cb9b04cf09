"""The shim's settings, read once at start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nacl.public import PrivateKey, PublicKey

from api_shim.methods.batch_settings import BatchSettings, read_batch_settings
from edge.settings import EdgeSettings, read_edge_settings
from edge.tokens.settings import TokenSettings, read_token_settings
from schemas.sealing import KeyFormatError, parse_public_key
from startup.broker.redis_requirements import read_allowed
from startup.environment import EnvironmentReader
from startup.shared_settings import SharedSettings, read_shared_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PREFIX: Final = "/services"
"""Before the paths of the methods, unless a setting says otherwise."""

_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]++)*+")
"""A path that means itself in a route and in a `Location` header: no parameter, no escape, no host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShimSettings:
    """The settings of the shim, as its environment gives them."""

    shared: SharedSettings
    tokens: TokenSettings
    host: str
    port: int
    processes: int
    prefix: str
    sealing_key_id: str
    sealing_key: PublicKey
    maximum_body_bytes: int
    maximum_open_tasks: int
    rate_per_second: float
    rate_burst: int
    maximum_waiting: int
    redis_timeout_seconds: float
    redis_copies: int
    """How many replicas must have a signup before it is answered with 202."""
    batches: BatchSettings
    edge: EdgeSettings
    docs: bool
    """Whether `/docs` and `/openapi.json` are served."""
    redis_allowed: frozenset[str]
    """The codes of findings about Redis that only warn."""


def read_shim_settings(environment: Mapping[str, str]) -> ShimSettings:
    """Read and check everything at once.

    Raises:
        SettingsError: with a sentence for each variable that is missing or unusable.
    """
    reader = EnvironmentReader(environment)
    key_id, key = _read_sealing_key(reader)
    settings = ShimSettings(
        shared=read_shared_settings(reader),
        tokens=read_token_settings(reader),
        host=reader.text("HOST", "127.0.0.1"),
        port=reader.integer("PORT", 3005, minimum=1, maximum=65535),
        processes=reader.integer("PROCESSES", 1, minimum=1, maximum=64),
        prefix=_read_prefix(reader),
        sealing_key_id=key_id,
        sealing_key=key,
        maximum_body_bytes=reader.integer("MAX_BODY_BYTES", 256 * 1024, minimum=1024, maximum=8 * 1024 * 1024),
        maximum_open_tasks=reader.integer("MAX_OPEN_TASKS", 1_000_000, minimum=0, maximum=1_000_000_000),
        rate_per_second=reader.number("RATE_PER_SECOND", 0, minimum=0, maximum=1_000_000),
        rate_burst=reader.integer("RATE_BURST", 50, minimum=1, maximum=1_000_000),
        maximum_waiting=reader.integer("MAX_WAITING", 10_000, minimum=0, maximum=1_000_000),
        redis_timeout_seconds=reader.seconds("REDIS_TIMEOUT_SECONDS", 2, minimum=0.1, maximum=30),
        redis_copies=reader.integer("REDIS_COPIES", 0, minimum=0, maximum=2),
        batches=read_batch_settings(reader),
        edge=read_edge_settings(reader),
        docs=reader.flag("DOCS", default=True),
        redis_allowed=read_allowed(reader),
    )
    reader.check()
    return settings


def _read_prefix(reader: EnvironmentReader) -> str:
    prefix = reader.text("PREFIX", DEFAULT_PREFIX).rstrip("/")
    if prefix and not prefix.startswith("/"):
        reader.fault("PREFIX", "must start with a slash")
    elif _PREFIX.fullmatch(prefix) is None:
        reader.fault("PREFIX", "must hold only letters, digits and -._~ between single slashes")
    return prefix


def _read_sealing_key(reader: EnvironmentReader) -> tuple[str, PublicKey]:
    raw = reader.secret("SEALING_PUBLIC_KEY").get_secret_value()
    if raw:
        try:
            return parse_public_key(raw)
        except KeyFormatError as error:
            reader.fault("SEALING_PUBLIC_KEY", f"does not hold a public key: {error}")
    return "00000000", PrivateKey.generate().public_key  # never used: the fault stops the start
