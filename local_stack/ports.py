"""Free TCP ports of the loopback interface."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """As many different ports that nothing listens on.

    All are held until the last is found, or the system could hand out one twice. Another process may take one before
    its user binds it: whoever starts a server looks whether it got ready.
    """
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def free_port() -> int:
    """One port that nothing listens on."""
    return free_ports(1)[0]


def is_free(port: int) -> bool:
    """Whether a server could bind this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True
