"""Troubles of the service, each as a context manager. A trouble begins on entering and is mended on leaving."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import redis
from pymongo import MongoClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_stack.ports import free_port
from tests.faults.harness.tcp_proxy import TcpProxy, Way

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local_stack.process import ManagedProcess
    from tests.faults.harness.arena import Arena

Trouble = Callable[["Arena"], AbstractContextManager[None]]

LINKS: Final = ("shim_redis", "workers_redis", "workers_mongo")
_BUSY_AFTER_MILLISECONDS: Final = 100
_DENIED_SECONDS: Final = 0.7
_SLOW_SECONDS: Final = 0.2
_NARROW_BYTES_PER_SECOND: Final = 20_000
_MORE_REPLICAS_THAN_THERE_ARE: Final = 2
_BLOCKED_MILLISECONDS: Final = 5000
"""How long MongoDB is blocked: longer than the workers wait for it."""


# Connections


@contextmanager
def reset(arena: Arena, link: str) -> Iterator[None]:
    """Every connection of this way is reset two times."""
    proxy = _proxy(arena, link)
    proxy.reset()
    yield
    proxy.reset()


@contextmanager
def half_open(arena: Arena, link: str, *, server: bool = False, client: bool = False) -> Iterator[None]:
    """The connections of this way are dead. Neither side is told, or only one."""
    _proxy(arena, link).forget(server_notices=server, client_notices=client)
    yield


@contextmanager
def _with(arena: Arena, link: str, name: str, on: Any, off: Any) -> Iterator[None]:
    proxy = _proxy(arena, link)
    setattr(proxy, name, on)
    yield
    setattr(proxy, name, off)


def _of_connections(link: str) -> dict[str, Trouble]:
    set_on = partial(_with, link=link)
    return {
        f"{link} reset": partial(reset, link=link),
        f"{link} forgotten": partial(half_open, link=link),
        f"{link} forgotten by the server": partial(half_open, link=link, server=True),
        f"{link} forgotten by the client": partial(half_open, link=link, client=True),
        f"{link} mute to the server": partial(set_on, name="silent", on=frozenset({Way.REQUESTS}), off=frozenset()),
        f"{link} mute to the client": partial(set_on, name="silent", on=frozenset({Way.REPLIES}), off=frozenset()),
        f"{link} stands still": partial(set_on, name="stalled", on=True, off=False),
        f"{link} swallows": partial(set_on, name="black_hole", on=True, off=False),
        f"{link} refuses": partial(set_on, name="refusing", on=True, off=False),
        f"{link} is slow": partial(set_on, name="delay_seconds", on=_SLOW_SECONDS, off=0),
        f"{link} is narrow": partial(set_on, name="bytes_per_second", on=_NARROW_BYTES_PER_SECOND, off=0),
    }


def _proxy(arena: Arena, link: str) -> TcpProxy:
    proxy = getattr(arena.links, link)
    assert isinstance(proxy, TcpProxy)
    return proxy


# A Redis that refuses


@contextmanager
def _configured(arena: Arena, name: str, on: str, off: str) -> Iterator[None]:
    with arena.redis_client() as client:
        client.config_set(name, on)
        yield
        client.config_set(name, off)


@contextmanager
def is_a_replica(arena: Arena, *, serves_stale_data: bool = True) -> Iterator[None]:
    """Redis follows a primary that does not exist: READONLY, or MASTERDOWN where it does not serve stale data."""
    with arena.redis_client() as client:
        client.config_set("replica-serve-stale-data", "yes" if serves_stale_data else "no")
        client.execute_command("REPLICAOF", "127.0.0.1", str(free_port()))
        yield
        client.execute_command("REPLICAOF", "NO", "ONE")
        client.config_set("replica-serve-stale-data", "yes")


@contextmanager
def without_rights(arena: Arena) -> Iterator[None]:
    """The user may run no scripts: NOPERM."""
    with arena.redis_client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-eval", "-evalsha")
        yield
        client.execute_command("ACL", "SETUSER", "default", "+@all")


@contextmanager
def without_rights_to(arena: Arena, commands: Sequence[str]) -> Iterator[None]:
    """The user loses the right to each of these commands in turn. Steps need it in their middle."""
    ended = threading.Event()
    with arena.redis_client() as client:

        def deny() -> None:
            for command in itertools.cycle(commands):
                client.execute_command("ACL", "SETUSER", "default", "+@all", f"-{command}")
                if ended.wait(_DENIED_SECONDS):
                    return

        thread = threading.Thread(target=deny)
        thread.start()
        yield
        ended.set()
        thread.join()
        client.execute_command("ACL", "SETUSER", "default", "+@all")


@contextmanager
def runs_a_script_for_ever(arena: Arena) -> Iterator[None]:
    """A script of somebody else does not end: BUSY."""
    # The script is never sent again, since a killed one would begin anew.
    once = redis.Redis.from_url(arena.redis.url, retry=Retry(NoBackoff(), 0))
    with arena.redis_client() as client, once as other:
        client.config_set("busy-reply-threshold", _BUSY_AFTER_MILLISECONDS)

        def run() -> None:
            with suppress(redis.RedisError):
                other.eval("while true do end", 0)

        thread = threading.Thread(target=run)
        thread.start()
        yield
        client.script_kill()
        thread.join()


@contextmanager
def has_no_room_for_clients(arena: Arena) -> Iterator[None]:
    """New connections are refused, and the old ones are gone."""
    with redis.Redis.from_url(arena.redis.url, single_connection_client=True) as client:
        before = client.config_get("maxclients")["maxclients"]
        client.config_set("maxclients", "1")
        arena.links.shim_redis.reset()
        arena.links.workers_redis.reset()
        yield
        client.config_set("maxclients", before)


REDIS_REFUSES: Final[Mapping[str, Trouble]] = {
    "out of memory": partial(_configured, name="maxmemory", on="1", off="0"),
    "too few replicas": partial(
        _configured, name="min-replicas-to-write", on=str(_MORE_REPLICAS_THAN_THERE_ARE), off="0"
    ),
    "read only": is_a_replica,
    "its primary is down": partial(is_a_replica, serves_stale_data=False),
    "no right to run scripts": without_rights,
    "no right to some commands": partial(without_rights_to, commands=("zadd", "set", "xadd", "lpush", "zrem", "hdel")),
    "busy with a script": runs_a_script_for_ever,
    "too many clients": has_no_room_for_clients,
}


# A MongoDB that refuses


@contextmanager
def _fail_point(arena: Arena, **data: Any) -> Iterator[None]:
    (member,) = arena.mongo.members
    with MongoClient[dict[str, Any]]("127.0.0.1", member.port, directConnection=True) as client:
        data = {"failCommands": ["insert", "find"], **data}
        client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=data)
        yield
        client.admin.command("configureFailPoint", "failCommand", mode="off")


_REPLICATION_WAITS: Final = {
    "code": 64,
    "codeName": "WriteConcernTimeout",
    "errmsg": "waiting for replication timed out",
}

MONGODB_REFUSES: Final[Mapping[str, Trouble]] = {
    "no longer primary": partial(_fail_point, errorCode=10107),
    "stepped down": partial(_fail_point, errorCode=189),
    "shuts down": partial(_fail_point, errorCode=91),
    "over its time": partial(_fail_point, errorCode=50),
    "too busy": partial(_fail_point, errorCode=262),
    "no right": partial(_fail_point, errorCode=13),
    "no room on its disk": partial(_fail_point, errorCode=14031),
    "closes connections": partial(_fail_point, closeConnection=True),
    "stores and does not confirm": partial(_fail_point, failCommands=["insert"], writeConcernError=_REPLICATION_WAITS),
    "takes long": partial(_fail_point, blockConnection=True, blockTimeMS=_BLOCKED_MILLISECONDS),
}


# Processes


@contextmanager
def _killed(arena: Arena, which: Callable[[Arena], ManagedProcess], start: Callable[[Arena], None]) -> Iterator[None]:
    arena.kill(which(arena))
    yield
    start(arena)


@contextmanager
def _paused(arena: Arena, which: Callable[[Arena], ManagedProcess]) -> Iterator[None]:
    process = which(arena)
    process.pause()
    yield
    process.resume()


@contextmanager
def _stopped(arena: Arena, which: Callable[[Arena], ManagedProcess], start: Callable[[Arena], None]) -> Iterator[None]:
    which(arena).terminate(30)
    yield
    start(arena)


@contextmanager
def failed_over(arena: Arena) -> Iterator[None]:
    """The standby of Redis becomes the primary. Every connection to the old primary stays open."""
    arena.fail_over()
    yield


def _start_mongo(arena: Arena) -> None:
    arena.mongo.members[0].start()
    arena.mongo.wait_ready()


PROCESSES: Final[Mapping[str, Trouble]] = {
    f"{name} {verb}": partial(how, **arguments)
    for name, which, start in (
        ("a worker", lambda arena: arena.workers[0], lambda arena: arena.restart_worker(arena.workers[0])),
        ("the shim", lambda arena: arena.shim, lambda arena: arena.start_shim()),
        ("redis", lambda arena: arena.redis.process, lambda arena: arena.redis.start()),
        ("mongodb", lambda arena: arena.mongo.members[0].process, _start_mongo),
    )
    for verb, how, arguments in (
        ("killed", _killed, {"which": which, "start": start}),
        ("stopped", _stopped, {"which": which, "start": start}),
        ("frozen", _paused, {"which": which}),
    )
}

ALL: Final[Mapping[str, Trouble]] = {
    **{name: trouble for link in LINKS for name, trouble in _of_connections(link).items()},
    **{f"redis: {name}": trouble for name, trouble in REDIS_REFUSES.items()},
    **{f"mongodb: {name}": trouble for name, trouble in MONGODB_REFUSES.items()},
    **PROCESSES,
    "redis fails over": failed_over,
}
"""All troubles of an arena that has links and a standby."""
