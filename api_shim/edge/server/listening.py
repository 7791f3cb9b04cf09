"""Where the shim listens, and how many connections it can have."""

from __future__ import annotations

import resource
import socket
from typing import Final

import structlog

RESERVED_DESCRIPTORS: Final = 128
"""For files, Redis and whatever else is no connection of a client."""

log = structlog.get_logger("api_shim.edge")


def listening_socket(host: str, port: int, *, write_seconds: float) -> socket.socket:
    """A bound socket whose connections the kernel aborts when what was sent to them stays unread for so long.

    Waiting in the application would free nothing: the server's transport keeps what it could not send until the
    connection is gone. Connections inherit the option, in whichever process they are accepted.

    Raises:
        OSError: the address cannot be bound to.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # elsewhere than on Linux the watchdog alone looks after it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * write_seconds))
        listener.bind(address)
        listener.set_inheritable(True)
    except OSError:
        listener.close()
        raise
    return listener


def make_room_for_connections(wanted: int) -> int:
    """Raise this process' limit of open files as far as `wanted` connections need, and return how many it can have.

    Says so where the system does not allow as many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVED_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        if allowed > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    possible = max(1, soft - RESERVED_DESCRIPTORS)
    log.warning("few_open_files_allowed", allowed=soft, needed=needed, connections=possible)
    return possible
