"""Makes the sockets that a process listens on, and raises the limit of open files for their connections."""

from __future__ import annotations

import errno
import os
import resource
import socket
from typing import Final

import structlog

RESERVED_DESCRIPTORS: Final = 128
"""How many file descriptors are kept for files, Redis and everything else that is no client's connection."""

log = structlog.get_logger("edge")


def listening_socket(host: str, port: int, *, write_seconds: float) -> socket.socket:
    """Make a socket and bind it to this address.

    The kernel aborts each of its connections whose client leaves sent bytes unread for `write_seconds`. Ending
    the wait in the application would free no memory, because the server's transport keeps unsent bytes until the
    connection is gone. Connections inherit the option, whichever process accepts them.

    Raises:
        OSError: the address is unknown or cannot be bound.
    """
    try:
        # The flag has `*` mean every address of the machine.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:  # what cannot be a host's name at all
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL)) from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on other systems than Linux only the watchdog ends them
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * write_seconds))
        listener.bind(address)
        listener.set_inheritable(True)
    except OSError:
        listener.close()
        raise
    return listener


def make_room_for_connections(wanted: int) -> int:
    """Raise this process' limit of open files for `wanted` connections. Returns how many connections it can have.

    That is less than `wanted` if the system does not allow enough open files. Then a warning is logged.
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
