"""How the C library allocates memory. argon2id takes 19 MiB of it for each hash."""

from __future__ import annotations

import ctypes
from typing import Final

_M_ARENA_MAX: Final = -8
"""The parameter of mallopt(3) that bounds the number of arenas (malloc.h of glibc)."""


def share_one_arena() -> bool:
    """Have all threads allocate from one arena. To be called before there are threads.

    glibc gives each thread an arena of its own, and each arena keeps the memory of the hashes that were made in it.
    Eight hashes at a time then take 340 MiB instead of 250. At low load each hash uses another arena, whose memory is
    not in the processor's cache. CPython's own small objects come from pymalloc, so threads seldom wait for each other
    here.

    Returns:
        False if the C library is not glibc and has no such parameter.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_M_ARENA_MAX, 1))
