"""The memory for hashes comes from one arena, however many threads hash."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import ctypes, sys, threading
from worker.allocator import share_one_arena
if "share" in sys.argv:
    assert share_one_arena()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)
def take():
    together.wait()
    libc.malloc(ctypes.c_size_t(100_000))
    together.wait()
threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no arenas")
@pytest.mark.parametrize(("argument", "one"), [("share", True), ("leave", False)])
def test_threads_share_one_arena(argument: str, one: bool) -> None:
    told = subprocess.run([sys.executable, "-c", _PROGRAM, argument], check=True, capture_output=True, text=True).stdout
    assert (told.count("<heap nr=") == 1) == one
