"""How a connection to a machine of Redis ends that has fallen silent: one that lost its power, or was cut off.

No process is told of that: nothing closes the connection. The kernel finds out, by packets that nobody confirms. It
tells a silent machine from a Redis that is slow, since the kernel over there confirms what comes for a busy Redis too.
"""

from __future__ import annotations

import socket
from typing import Any, Final

SILENT_SECONDS: Final = 5
"""After so long without any confirmation a connection is given up.

Sentinels that are set up as we ship them take as long to miss a primary. In that time a packet is sent six times, so
that a network which loses every third packet seldom ends a connection.
"""

_PROBE_SECONDS: Final = 1
"""How often the other machine is asked while a connection is idle."""

_OPTIONS: Final[dict[str, int]] = {
    "TCP_KEEPIDLE": _PROBE_SECONDS,
    "TCP_KEEPINTVL": _PROBE_SECONDS,
    "TCP_KEEPCNT": SILENT_SECONDS // _PROBE_SECONDS,
    # Milliseconds. Without it only idle connections end in that time: while data is under way nothing is asked, and
    # the kernel sends it again for a quarter of an hour.
    "TCP_USER_TIMEOUT": 1000 * SILENT_SECONDS,
}
"""What the kernel is told for it, by name."""


def silence_arguments() -> dict[str, Any]:
    """The arguments of redis-py's connections for this. What another system than Linux does not know is left out."""
    options = {getattr(socket, name): value for name, value in _OPTIONS.items() if hasattr(socket, name)}
    return {"socket_keepalive": True, "socket_keepalive_options": options}
