"""The users of `deploy/redis-users.acl`, each with a password, for a real Redis."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import redis

from local_stack.ports import free_port
from local_stack.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator

USERS_FILE: Final = Path(__file__).parents[2] / "deploy" / "redis-users.acl"
ADMIN: Final = "admin"
REPLICA: Final = "replica"
_NAMES: Final = {
    "intake-shim": "SHIM",
    "intake-worker": "WORKER",
    "intake-notifier": "NOTIFIER",
    "intake-operator": "OPERATOR",
    "intake-console": "CONSOLE",
}


def password_of(user: str) -> str:
    """The password of a user."""
    return f"password-of-{user}"


def user_lines() -> list[str]:
    """The lines of the file, with a hash in place of each placeholder, as an operator fills them in."""
    lines = [line for line in USERS_FILE.read_text().splitlines() if line.startswith("user ")]
    users = {_NAMES.get(name, name.upper()): name for name in (line.split(" ")[1] for line in lines)}

    def hashed(placeholder: re.Match[str]) -> str:
        return "#" + hashlib.sha256(password_of(users[placeholder[1]]).encode()).hexdigest()

    return [re.sub(r"#PASSWORD_OF_(\w+)", hashed, line) for line in lines]


def url_as(server: RedisServer, user: str) -> str:
    """The URL with which this user signs in."""
    return f"redis://{user}:{password_of(user)}@127.0.0.1:{server.port}/0"


def client_as(server: RedisServer, user: str) -> redis.Redis:
    """A client that signs in as this user."""
    return redis.Redis.from_url(url_as(server, user), protocol=2)


@contextmanager
def redis_with_users(folder: Path, *lines: str) -> Iterator[RedisServer]:
    """A Redis with exactly these users."""
    folder.mkdir(parents=True)
    users = folder / "users.acl"
    users.write_text("\n".join(user_lines()) + "\n")
    server = RedisServer(folder / "redis", free_port(), [f'aclfile "{users}"', *lines], password=None)
    server.start()
    try:
        yield server
    finally:
        server.kill()
