"""How the C library gives out memory, which for argon2id means 19 MiB at a time."""

from __future__ import annotations

import ctypes
from typing import Final

_M_ARENA_MAX: Final = -8
"""malloc.h of glibc; mallopt(3)."""


def share_one_arena() -> bool:
    """Have all threads take memory from one place. To be called before there are threads.

    glibc gives each thread an arena of its own, and each keeps the memory of the hashes made in it: 340 MiB for eight
    hashes at a time instead of 250, and at low load the hashes wander through all of them and out of the processor's
    cache. CPython's own small objects come from elsewhere (pymalloc), so threads hardly meet in that one place.

    Returns:
        False where the C library is another one and knows nothing of this.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_M_ARENA_MAX, 1))
