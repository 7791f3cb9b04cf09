"""A machine without the memory for a hash is no wrong password."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

from tests.passwords.vectors import VECTORS

_LITTLE_MEMORY: Final = """
import resource, sys
from passwords import PasswordCost, verify
from passwords.cost import TEST_PROFILE

stored, cost = sys.argv[1] or None, PasswordCost(memory_kib=262144, time_cost=1, parallelism=1)
verify("secret", None, cost=TEST_PROFILE)
with open("/proc/self/statm") as sizes:
    used = int(sizes.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (8 << 20),) * 2)
try:
    verify("secret", stored, cost=cost)
except MemoryError:
    print("no memory")
"""
"""A process that may take 8 MiB more when it verifies."""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not bound the memory of a process so")
@pytest.mark.parametrize("product", ["Django, argon2id", "Django, scrypt", None], ids=["argon2", "scrypt", "nobody"])
def test_a_hash_that_takes_more_memory_than_there_is_raises(product: str | None) -> None:
    stored = "" if product is None else VECTORS[product].stored
    done = subprocess.run(
        [sys.executable, "-c", _LITTLE_MEMORY, stored], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("no memory\n", "")
