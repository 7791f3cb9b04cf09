"""Delays the packets of one host. The kernel's own delay, netem, is often not built in, so a thread carries them.

The host's end of its cable is moved from the bridge into a namespace in between. There the thread takes each packet
from one side, and puts it on the other side when its time has come.
"""

from __future__ import annotations

import heapq
import itertools
import os
import select
import socket
import threading
import time
from typing import Final

from tests.partitions.harness.namespaces import Namespace, run, run_all

_ALL: Final = socket.htons(0x0003)
"""Every protocol (ETH_P_ALL)."""
_SOL_PACKET: Final = 263
"""See packet(7)."""
_IGNORE_OUTGOING: Final = 23
"""A socket is not given what is sent by it."""
_HEADER_OF_OFFLOADS: Final = 15
"""Each packet comes with what its device has left to do, such as checksums (PACKET_VNET_HDR)."""
_MOST_BYTES: Final = 70_000
"""More than the largest packet before it is cut into segments."""


class SlowCable:
    """A delay between the bridge and a host's port."""

    def __init__(self, port: str, host: Namespace, seconds: float) -> None:
        """Begin to delay.

        Args:
            port: the host's port of the bridge.
            host: the host's namespace.
            seconds: how much later each packet arrives, in each way.
        """
        self._port = port
        self._seconds = seconds
        self._host = host
        self._between = Namespace()
        self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        near = f"{port}s"
        run("ip", "link", "add", near, "type", "veth", "peer", "far", "netns", self._between.path)
        run_all(
            [f"link set {port} netns {self._between.path}", f"link set {near} master bridge0", f"link set {near} up"]
        )
        with self._between.entered():
            run_all([f"link set {port} up", "link set far up"])
            self._sides = (_packets(port), _packets("far"))
        self._waking, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Deliver at once again. What is still under way is lost."""
        os.close(self._waker)
        self._thread.join()
        os.close(self._waking)
        for side in self._sides:
            side.close()
        outside = f"/proc/{os.getpid()}/fd/{self._outside}"
        with self._between.entered():
            run_all(["link delete far", f"link set {self._port} netns {outside}"])
        run_all([f"link set {self._port} master bridge0", f"link set {self._port} up"])
        os.close(self._outside)
        self._between.close()

    def _carry(self) -> None:
        under_way: list[tuple[float, int, socket.socket, bytes]] = []
        numbers = itertools.count()
        host, bridge = self._sides
        while True:
            wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
            readable, _, _ = select.select([host.fileno(), bridge.fileno(), self._waking], [], [], wait)
            if self._waking in readable:
                return
            now = time.monotonic()
            for side in (host, bridge):
                if side.fileno() in readable:
                    other = bridge if side is host else host
                    heapq.heappush(under_way, (now + self._seconds, next(numbers), other, side.recv(_MOST_BYTES)))
            while under_way and under_way[0][0] <= now:
                _, _, side, packet = heapq.heappop(under_way)
                side.send(packet)


def _packets(device: str) -> socket.socket:
    """A socket that reads and writes whole packets of a device."""
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, _ALL)
    packets.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
    packets.setsockopt(_SOL_PACKET, _HEADER_OF_OFFLOADS, 1)
    packets.bind((device, 0))
    return packets
