"""A network of hosts: a bridge, a cable from it to each host, and the faults of both."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Final, Self

from tests.partitions.harness.namespaces import CommandError, Namespace, missing_tools, run, run_all
from tests.partitions.harness.slow_cable import SlowCable

if TYPE_CHECKING:
    from collections.abc import Iterable

_NETWORK: Final = "10.77.0"
"""The first three numbers of each address. The network leads nowhere else."""
_OWN: Final = f"{_NETWORK}.1"
"""The address of this process, from which clients call."""
_LOSS_PERCENT: Final = 30
"""Of so many of a hundred packets each is lost."""
_CLEAR: Final = "flush set bridge faults cut\nflush set bridge faults lossy\n"
"""Ends all cuts and losses."""

_RULES: Final = f"""
table bridge faults {{
  set cut {{ type ipv4_addr . ipv4_addr; }}
  set lossy {{ type ipv4_addr; }}
  chain faults {{
    ip saddr . ip daddr @cut drop
    ip saddr @lossy numgen random mod 100 < {_LOSS_PERCENT} drop
    ip daddr @lossy numgen random mod 100 < {_LOSS_PERCENT} drop
  }}
  chain between {{ type filter hook forward priority 0; jump faults; }}
  chain inward {{ type filter hook input priority 0; jump faults; }}
  chain outward {{ type filter hook output priority 0; jump faults; }}
}}
"""
"""What the bridge does to packets. A cut is from a source to a destination, so it goes one way."""


@functools.cache
def why_not() -> str:
    """Why no network can be made here. Empty where one can."""
    if missing := missing_tools():
        return f"these programs, with their Debian packages, are missing: {', '.join(missing)}"
    try:
        with Network() as network:
            network.cable()
    except (OSError, CommandError) as error:
        return f"this user, or this kernel, cannot make a network: {error}"
    return ""


class Cable:
    """A host's end of the network: its namespace, its address, and the port of the bridge that it hangs on."""

    def __init__(self, network: Network, number: int) -> None:
        self.address = f"{_NETWORK}.{number}"
        self.port = f"port{number}"
        self.namespace = Namespace()
        self._network = network
        self._number = number

    def lay(self) -> None:
        """Give the host its network device and its address."""
        hardware = f"02:00:00:00:00:{self._number:02x}"
        run("ip", "link", "add", self.port, "type", "veth", "peer", "eth0", "netns", self.namespace.path)
        run_all([f"link set {self.port} master bridge0", f"link set {self.port} up"])
        with self.namespace.entered():
            run_all(
                [
                    "link set lo up",
                    # The others know the hardware's address, and a host that comes back has the same.
                    f"link set eth0 address {hardware}",
                    f"address add {self.address}/24 dev eth0",
                    "link set eth0 up",
                ]
            )

    def remove(self) -> None:
        """Take the network device away, as where the machine has lost its power."""
        run("ip", "link", "delete", self.port)

    def unplug(self) -> None:
        """Let nothing pass until `plug`. Whoever is connected is told nothing."""
        run("ip", "link", "set", self.port, "down")

    def plug(self) -> None:
        """Let everything pass again."""
        run("ip", "link", "set", self.port, "up")

    def make_slow(self, seconds: float) -> None:
        """Deliver each packet so much later, in each way."""
        self._network.slow[self] = SlowCable(self.port, self.namespace, seconds)

    def make_fast(self) -> None:
        """Deliver packets at once again."""
        self._network.slow.pop(self).close()


class Network:
    """The network. While it is entered this process is in it, and in no other."""

    def __init__(self) -> None:
        self._namespace = Namespace()
        self._exits = contextlib.ExitStack()
        self._cables: list[Cable] = []
        self.slow: dict[Cable, SlowCable] = {}
        """The cables that are slow now."""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as exits:
            exits.callback(self._namespace.close)
            exits.enter_context(self._namespace.entered())
            run_all(
                [
                    "link set lo up",
                    "link add bridge0 type bridge",
                    f"address add {_OWN}/24 dev bridge0",
                    "link set bridge0 up",
                ]
            )
            run("nft", "-f", "-", text=_RULES)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for cable in tuple(self.slow):
            cable.make_fast()
        self._exits.close()
        for cable in self._cables:
            cable.namespace.close()

    def cable(self) -> Cable:
        """A cable for one more host."""
        cable = Cable(self, number=11 + len(self._cables))
        self._cables.append(cable)
        cable.lay()
        return cable

    def cut(self, sources: Iterable[str], destinations: Iterable[str]) -> None:
        """Let no packet from any of these addresses arrive at any of those. The other way stays open."""
        to = tuple(destinations)
        pairs = ", ".join(f"{one} . {other}" for one in sources for other in to if one != other)
        run("nft", "-f", "-", text=f"add element bridge faults cut {{ {pairs} }}\n")

    def lose(self, address: str) -> None:
        """Lose 30 % of the packets from and to this address."""
        run("nft", "-f", "-", text=f"add element bridge faults lossy {{ {address} }}\n")

    def mend(self) -> None:
        """End all cuts, losses and delays."""
        run("nft", "-f", "-", text=_CLEAR)
        for cable in tuple(self.slow):
            cable.make_fast()
