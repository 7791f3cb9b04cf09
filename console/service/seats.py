"""The places of those who watch. There are so many, and no operator can take them all from the others."""

from __future__ import annotations

from collections import Counter


class Seat:
    """The place of one viewer."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name
        """Whose it is."""


class Seats:
    """Who watches. When all places are taken, whoever has most of them gives one to an operator who has fewer."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        # In the order in which they came.
        self._taken: dict[Seat, None] = {}

    def __len__(self) -> int:
        """How many watch."""
        return len(self._taken)

    def __contains__(self, seat: Seat) -> bool:
        """Whether this viewer still has their place."""
        return seat in self._taken

    def take(self, name: str) -> Seat | None:
        """A place for this operator; None where there is none."""
        if len(self._taken) >= self._most and not self._make_room(name):
            return None
        seat = Seat(name)
        self._taken[seat] = None
        return seat

    def leave(self, seat: Seat) -> None:
        """Give the place back, if it was not taken away before."""
        self._taken.pop(seat, None)

    def _make_room(self, name: str) -> bool:
        taken = Counter(seat.name for seat in self._taken)
        ((busiest, most),) = taken.most_common(1)
        # With one more difference the two would take the place from each other again and again.
        if most <= taken[name] + 1:
            return False
        del self._taken[next(seat for seat in self._taken if seat.name == busiest)]
        return True
