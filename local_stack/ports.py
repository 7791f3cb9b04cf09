"""Hands out TCP ports of the loopback interface on which nothing listens."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import socket
import tempfile
import threading
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
"""The address on which everything of the local stack listens."""

_RANGE: Final = range(20_000, 30_000)
"""Operating systems take the ports of outgoing connections from higher ones: Linux from 32768 on, others from 49152 on.
A port from there could be taken by any connection before its server has started, and while it restarts."""


class _Claims:
    """The ports that this process has handed out. It hands out none twice.

    Each is a byte of a file that all processes of this user share, and that this process has locked. So no other
    process hands the port out until this one has ended.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._file: int | None = None
        self._left = iter(random.sample(_RANGE, len(_RANGE)))
        self._taken = set[int]()

    def take(self) -> int:
        """A port that nobody has, and on which nothing listens.

        Raises:
            OSError: no port is left, or the file cannot be opened.
        """
        with self._guard:
            for port in self._left:
                if self._take(port):
                    return port
        raise OSError(errno.EADDRNOTAVAIL, "no port is left on this machine")

    def take_this(self, port: int) -> bool:
        """Take this port, if nobody has it and nothing listens on it. Returns whether that is so.

        Raises:
            OSError: the file cannot be opened.
        """
        with self._guard:
            return self._take(port)

    def _take(self, port: int) -> bool:
        if port in self._taken or not self._lock(port) or not _is_free(port):
            return False
        self._taken.add(port)
        return True

    def _lock(self, port: int) -> bool:
        if self._file is None:
            path = Path(tempfile.gettempdir(), f"customer-intake-ports-{os.getuid()}")
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EAGAIN}:
                return False
            raise
        return True


_claims: Final = _Claims()


def free_ports(count: int) -> list[int]:
    """`count` different ports on which nothing listens.

    A program that is not of the local stack may still take a port before the caller binds it. So check that a server on
    it got ready.

    Raises:
        OSError: the machine has not so many.
    """
    return [_claims.take() for _ in range(count)]


def free_port() -> int:
    """One port on which nothing listens.

    Raises:
        OSError: the machine has none.
    """
    return _claims.take()


def take_port(port: int) -> bool:
    """Have this port as if it had been handed out. Returns False where something listens on it or another has it.

    Raises:
        OSError: this cannot be found out.
    """
    return _claims.take_this(port)


def _is_free(port: int) -> bool:
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
