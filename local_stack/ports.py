"""Finds free TCP ports of the loopback interface."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from typing import Final

LOOPBACK: Final = "127.0.0.1"
"""The address on which everything of the local stack listens."""


def free_ports(count: int) -> list[int]:
    """`count` different ports on which nothing listens.

    All sockets stay open until the last port is found, since the system could otherwise hand out one port twice.
    Another process may still take a port before the caller binds it. So check that a server on it got ready.
    """
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def free_port() -> int:
    """One port on which nothing listens."""
    return free_ports(1)[0]


def is_free(port: int) -> bool:
    """Whether a server could bind this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this too. With it a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True
