"""Ports that the local stack hands out stay free until their server has started."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.ports import free_port, free_ports, take_port

_TAKE_MANY = """
import sys
from local_stack.ports import free_ports
print(*free_ports(2000), flush=True)
sys.stdin.read()
"""


def test_two_processes_never_get_the_same_port() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _TAKE_MANY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = set(map(int, other.stdout.readline().split()))
        ours = free_ports(100)
        assert not take_port(min(theirs))
        other.communicate()
    assert len(theirs) == 2000
    assert len(set(ours)) == 100
    assert theirs.isdisjoint(ours)
    assert take_port(min(theirs)), "the other has ended, so anybody may have it"
    assert not take_port(min(theirs))


def test_a_port_is_had_once_and_not_where_something_listens() -> None:
    assert not take_port(free_port())
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not take_port(server.getsockname()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which ports it gives to outgoing connections")
def test_no_outgoing_connection_gets_a_port_that_was_handed_out() -> None:
    lowest, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split())
    assert max(free_ports(100)) < lowest
