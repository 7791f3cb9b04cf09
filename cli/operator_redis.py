"""The Redis of commands for operators: that of the settings, else that of the local stack."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click
import redis

from local_stack.redis_server import url_of_directory
from startup.broker.redis_clients import redis_client
from startup.broker.redis_refusals import refusal_behind
from startup.broker.redis_url import parse_redis_url
from startup.environment import EnvironmentReader, SettingsError
from startup.shared_settings import read_redis_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from startup.broker.redis_url import RedisUrl

_TIMEOUT_SECONDS: Final = 10
"""For each call to Redis, and for connecting to it."""


@contextmanager
def operator_redis(directory: Path) -> Iterator[redis.Redis]:
    """A client of Redis, until the block ends. An error of Redis in the block is told, and ends the command.

    Args:
        directory: the local stack's data directory.

    Raises:
        ClickException: no Redis is named, or it does not answer.
    """
    url = _url(directory)
    try:
        with redis_client(url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS) as client:
            yield client
    except redis.RedisError as error:
        refusal = refusal_behind(error, url)
        reason = type(error).__name__ if refusal is None else f"{refusal.code}: {refusal.sentence}"
        raise click.ClickException(f"Redis does not answer ({reason}); nothing more was done") from None


def names_redis() -> bool:
    """Whether the environment names a Redis. Otherwise commands mean the local stack."""
    return bool(os.environ.get("INTAKE_REDIS_URL") or os.environ.get("INTAKE_REDIS_URL_FILE"))


def _url(directory: Path) -> RedisUrl:
    if names_redis():
        reader = EnvironmentReader(os.environ)
        url = read_redis_url(reader)
        try:
            reader.check()
        except SettingsError as error:
            raise click.ClickException(str(error)) from None
        return url
    try:
        return parse_redis_url(url_of_directory(directory / "redis"))
    except OSError:
        raise click.ClickException(
            "there is no local stack here: set INTAKE_REDIS_URL, INTAKE_REDIS_URL_FILE or --data-dir"
        ) from None
