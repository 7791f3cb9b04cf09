"""The network of these tests does to packets what it says."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from local_stack.process import ManagedProcess
from tests.partitions.harness.namespaces import run
from tests.partitions.harness.network import Cable, Network
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ECHO: Final = """
import socket
with socket.create_server(("0.0.0.0", 7)) as server:
    while True:
        one, _ = server.accept()
        with one:
            while data := one.recv(100_000):
                one.sendall(data)
"""
_OWNER: Final = """
import sys, threading
from pathlib import Path
from tests.partitions.harness.host import Host
from tests.partitions.harness.network import Network
with Network() as network:
    host = Host("host", network, Path(sys.argv[1]))
    process = host.process("sleeper", [sys.executable, "-c", "import threading; threading.Event().wait()"])
    process.start()
    print(process.pid, flush=True)
    threading.Event().wait()
"""
"""A test run, as far as this concerns networks."""
_BULK: Final = b"x" * 300_000


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest.fixture
def echo(network: Network, tmp_path: Path) -> Iterator[Cable]:
    """A host that sends back what it gets."""
    cable = network.cable()
    process = ManagedProcess(
        "echo", cable.namespace.command(sys.executable, "-c", _ECHO), log_path=tmp_path / "echo.log"
    )
    process.start()
    wait_until(lambda: _answers(cable), what="the host answers")
    yield cable
    process.kill()


def _answers(cable: Cable, *, seconds: float = 0.5) -> bool:
    try:
        with socket.create_connection((cable.address, 7), timeout=seconds) as one:
            one.sendall(b"?")
            return one.recv(1) == b"?"
    except OSError:
        return False


def _echoed(cable: Cable, data: bytes, *, trouble: Callable[[], None] = lambda: None) -> bytes:
    """What comes back of this data on a connection that was made before the trouble began."""
    with socket.create_connection((cable.address, 7), timeout=100) as one:
        trouble()
        one.sendall(data)
        got = b""
        while len(got) < len(data):
            got += one.recv(100_000)
    return got


def test_a_host_is_reached_by_no_other_network(echo: Cable) -> None:
    assert "default" not in run("ip", "route")
    assert _answers(echo)


def test_a_cut_goes_one_way_and_is_mended(network: Network, echo: Cable) -> None:
    with socket.create_connection((echo.address, 7), timeout=0.5) as one:
        network.cut([echo.address], ["10.77.0.1"])
        one.sendall(b"?")
        with pytest.raises(TimeoutError):
            one.recv(1)
        network.mend()
        one.settimeout(10)
        assert one.recv(1) == b"?", "it had arrived, and the answer is sent again"


def test_a_host_that_is_unplugged_is_silent_and_keeps_its_connections(echo: Cable) -> None:
    with socket.create_connection((echo.address, 7), timeout=0.5) as one:
        echo.unplug()
        one.sendall(b"?")
        with pytest.raises(TimeoutError):
            one.recv(1)
        echo.plug()
        one.settimeout(10)
        assert one.recv(1) == b"?"


def test_a_lossy_network_is_slow_and_loses_nothing_of_a_connection(network: Network, echo: Cable) -> None:
    few = _BULK[:10_000]

    assert _echoed(echo, few, trouble=lambda: network.lose(echo.address)) == few
    assert not all(_answers(echo, seconds=0.1) for _ in range(30)), "some packets are lost"


def test_a_slow_cable_delays_each_way_and_changes_nothing(echo: Cable) -> None:
    echo.make_slow(0.2)
    before = time.monotonic()

    assert _echoed(echo, _BULK) == _BULK
    # One round trip to connect, and one to be answered.
    assert time.monotonic() - before >= 0.8
    echo.make_fast()
    wait_until(lambda: _answers(echo), what="the host answers at once")


def test_a_test_run_that_is_killed_leaves_no_machine_behind(tmp_path: Path) -> None:
    """Its processes end, and with the last of them the kernel ends the namespaces and what is in them."""
    with subprocess.Popen([sys.executable, "-c", _OWNER, str(tmp_path)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        try:
            process = Path(f"/proc/{int(owner.stdout.readline())}")
            outside = {_network_of(Path("/proc/self")), _network_of(Path(f"/proc/{owner.pid}"))}
            wait_until(lambda: _network_of(process) not in outside, what="the process is on its machine")
        finally:
            owner.kill()

    wait_until(lambda: not _runs(process), what="the machine's process has ended")


def _network_of(process: Path) -> str:
    return (process / "ns/net").readlink().name


def _runs(process: Path) -> bool:
    # Whoever adopted it may not have asked yet how it ended.
    try:
        return "(zombie)" not in (process / "status").read_text()
    except OSError:
        return False
