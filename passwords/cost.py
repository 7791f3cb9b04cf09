"""What one argon2id hash costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCost:
    """The cost of one argon2id hash (RFC 9106)."""

    memory_kib: int
    time_cost: int
    """Passes over that memory."""
    parallelism: int


TEST_PROFILE: Final = PasswordCost(memory_kib=64, time_cost=1, parallelism=1)
"""A hash that costs almost nothing and protects nothing, for this project's own tests and benches."""

TODAY: Final = PasswordCost(memory_kib=19456, time_cost=2, parallelism=1)
"""The least that OWASP recommends (Password Storage Cheat Sheet), and what a worker makes without a setting."""
