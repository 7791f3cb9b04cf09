"""Numbers of lines, written as runs: `1+10,14+246` is lines 1 to 10 and 14 to 259."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def encode(numbers: Sequence[int]) -> str:
    """The runs of these numbers, which must grow."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == sum(runs[-1]):
            runs[-1][1] += 1
        else:
            runs.append([number, 1])
    return ",".join(f"{first}+{count}" for first, count in runs)


def decode(runs: str) -> list[int]:
    """The numbers in these runs."""
    numbers: list[int] = []
    for run in runs.split(","):
        first, _, count = run.partition("+")
        numbers += range(int(first), int(first) + int(count))
    return numbers
