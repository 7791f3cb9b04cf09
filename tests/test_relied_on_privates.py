"""The private parts of libraries that this project relies on, each by its name. No library documents them.

pyproject.toml holds each of these libraries below its next minor version. Whoever raises a bound learns here what
broke, and where it is used.
"""

from __future__ import annotations

import asyncio
import inspect
from importlib.metadata import version
from typing import Any

import celery.apps.worker
import celery.worker.state
import h11
import kombu.transport.redis
import pytest
import redis
from celery.app.task import Task
from celery.worker.consumer import Consumer, Tasks
from h11 import _readers
from h11._receivebuffer import ReceiveBuffer
from kombu.transport import virtual
from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool
from redis.exceptions import RedisError
from uvicorn import Config, Server
from uvicorn.protocols.http import h11_impl
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

from tests.support.streams import connected_to

KOMBU = kombu.transport.redis.Channel


@pytest.mark.parametrize(
    ("library", "read"),
    [("uvicorn", "0.54."), ("h11", "0.16."), ("kombu", "5.7."), ("celery", "5.7."), ("redis", "8.1.")],
)
def test_it_is_the_release_that_was_read(library: str, read: str) -> None:
    assert version(library).startswith(read)


def _parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in {"self", "kwargs", "options"}]


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        # edge/server/connections.py makes and edge/server/watchdog.py reads connections.
        (h11_impl.H11Protocol, ["config", "server_state", "app_state", "_loop"]),
        # edge/server/uvicorn_server.py says when it serves.
        (Server.startup, ["sockets"]),
        # edge/server/strict_h11.py replaces it.
        (ReceiveBuffer.maybe_extract_lines, []),
        # worker/consuming/transport.py overrides these.
        (KOMBU._brpop_start, ["timeout"]),  # noqa: SLF001
        (KOMBU._brpop_read, []),  # noqa: SLF001
        (KOMBU._connparams, ["asynchronous"]),  # noqa: SLF001
        (KOMBU._basic_cancel, ["consumer_tag"]),  # noqa: SLF001
        (KOMBU.close, []),
        (kombu.transport.redis.Transport.establish_connection, []),
        (virtual.QoS.can_consume, []),
        # ... and calls these.
        (KOMBU._flush_brpop_reauth, []),  # noqa: SLF001
        (virtual.Transport._deliver, ["message", "queue"]),  # noqa: SLF001
        (virtual.QoS.can_consume_max_estimate, []),
        # worker/consuming/tasks.py: called for each kind of message by the consumer.
        (Consumer.update_strategies, []),
        (Consumer.call_soon, ["p", "args"]),
        # worker/consuming/celery_app.py and worker/process.py.
        (celery.worker.state.maybe_shutdown, []),
        (celery.apps.worker.Worker.install_platform_tweaks, ["worker"]),
        # api_shim/broker/redis_link.py and pubsub.py drive a connection themselves.
        (ConnectionPool.make_connection, []),
        (Connection.send_packed_command, ["command", "check_health"]),
        (Connection.send_command, ["args"]),
        (Connection.disconnect, ["nowait"]),
        # startup/broker/sentinel_connections.py overrides it, and `connect` calls it.
        (Connection.connect_check_health, ["check_health", "retry_socket_connect"]),
        (redis.Connection.connect_check_health, ["check_health", "retry_socket_connect"]),
    ],
    ids=lambda value: getattr(value, "__qualname__", None),
)
def test_it_is_called_like_this(function: Any, parameters: list[str]) -> None:
    assert _parameters(function)[: len(parameters)] == parameters


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (ServerState(), ["connections", "tasks"]),
        (FlowControl, ["pause_writing", "resume_writing"]),
        (h11, ["_connection", "SEND_BODY", "IDLE"]),
        (h11._connection, ["DEFAULT_MAX_INCOMPLETE_EVENT_SIZE"]),  # noqa: SLF001
        (_readers, ["header_field_re", "chunk_header_re", "obs_fold_re"]),
        (ReceiveBuffer(), ["_data", "_multiple_lines_search"]),
        (h11.Connection(h11.SERVER), ["their_state", "trailing_data"]),
        (KOMBU, ["_in_poll", "_brpop_sent_at", "active_queues", "client", "do_restore", "_brpop_start", "_brpop_read"]),
        (KOMBU, ["connection_class", "connection_class_ssl"]),
        (kombu.transport.redis.Transport, ["Channel", "brpop_timeout", "connection_errors", "channel_errors"]),
        (Task, ["Strategy"]),
        (Tasks, ["start", "requires"]),
        (AbstractConnection, ["is_connected", "read_response", "connect"]),
        (celery.apps.worker, ["install_worker_term_handler", "install_worker_int_handler"]),
    ],
    ids=lambda value: getattr(value, "__name__", None) or type(value).__name__,
)
def test_these_are_still_there(owner: Any, names: list[str]) -> None:
    assert [name for name in names if not hasattr(owner, name)] == []


def test_each_cycle_of_uvicorn_has_what_is_read_of_it() -> None:
    """`is_over` and the watchdog read these attributes. Only a cycle that is in use has them."""
    seen: list[Any] = []

    async def look(_scope: Any, _receive: Any, send: Any) -> None:
        cycle = send.__self__
        seen.append((cycle.disconnected, cycle.response_started, cycle.response_complete, cycle.transport.is_closing()))

    async def run() -> None:
        loop = asyncio.get_running_loop()
        config = Config(look, http=h11_impl.H11Protocol, ws="none", log_config=None)
        server = await loop.create_server(lambda: h11_impl.H11Protocol(config, ServerState(), {}), "127.0.0.1", 0)
        async with server, connected_to(server) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await reader.read()

    asyncio.run(run())

    assert seen == [(False, False, False, False)]


def test_kombu_reads_messages_by_the_method_that_is_overridden() -> None:
    """A channel of kombu looks them up as it is made."""
    source = inspect.getsource(KOMBU.__init__)

    assert "'BRPOP': self._brpop_read" in source
    assert "self.QoS = " in source
    assert "channel._brpop_start()" in inspect.getsource(kombu.transport.redis)


def test_redis_py_raises_what_tells_a_refusal_from_a_lost_connection() -> None:
    """`disconnect_on_error=False` lets the owner close a connection: read by api_shim/broker."""
    assert "disconnect_on_error" in inspect.signature(Connection.read_response).parameters
    assert issubclass(RedisError, Exception)
