"""The rows of one chunk on their way to their outcomes. Decides about duplicates within the chunk; asks no server.

Of rows with the same bytes the first one is worked, and the others repeat it. Of rows with one email the first wins.
The others are worked only if that one did not become a customer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from schemas import outcome as outcomes
from schemas.customer import Fault
from worker.customer.rows import Checked, Decided, Failed, Hashed, Refused, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schemas.batch.content import ChunkContent
    from schemas.ids import IdDeriver

State = Row | Checked | Hashed | Decided | Refused | Failed
"""How far a row has come."""

Stage = TypeVar("Stage", bound=State)


class ChunkRows:
    """The rows of a chunk, or of a part of one. Not thread-safe."""

    def __init__(self, content: ChunkContent, ids: IdDeriver, *, chunk_id: str, first: int, end: int) -> None:
        """Take the rows from place `first` up to `end`."""
        self.rows = [
            Row(
                ids.row_customer_id(caller=content.caller, name=content.name, row=content.rows[place]),
                content.rows[place],
                origin=f"{chunk_id}:{place}",
                may_import=content.may_import,
            )
            for place in range(first, end)
        ]
        self.states: list[State] = [*self.rows]
        too_long = Fault(field="", message=f"the line is longer than {content.longest_row_bytes} bytes")
        for place in content.too_long:
            if first <= place < end:
                self.states[place - first] = Decided(outcomes.validation_error([too_long]))
        self._repeats = self._find_repeats()
        self.worked = [place for place in range(len(self.rows)) if place not in self._repeats]
        """The places of the rows that repeat no other row of the chunk."""

    def step(self, kind: type[Stage], stage: Callable[[list[Stage]], Sequence[State]]) -> None:
        """Replace all states of this kind by what the stage makes of them."""
        found = [(place, state) for place in self.worked if isinstance(state := self.states[place], kind)]
        if found:
            self.put([place for place, _ in found], stage([state for _, state in found]))

    def put(self, places: Sequence[int], states: Sequence[State]) -> None:
        """Set the states at these places."""
        for place, state in zip(places, states, strict=True):
            self.states[place] = state

    def first_with_their_emails(self) -> list[tuple[int, Checked]]:
        """The checked rows of which no earlier one has the same email, with their places."""
        found: dict[str, tuple[int, Checked]] = {}
        for place in self.worked:
            if isinstance(state := self.states[place], Checked):
                found.setdefault(state.email.key, (place, state))
        return list(found.values())

    def decide_duplicates(self, winners: Sequence[tuple[int, Checked]]) -> None:
        """Give the rows that have a winner's email their outcome, unless the winner has none.

        A winner that the database refuses leaves its email to the next row that has it.
        """
        taken = {checked.email.key for place, checked in winners if isinstance(self.states[place], Decided)}
        self.step(Checked, lambda rows: [_duplicate(row) if row.email.key in taken else row for row in rows])

    def finish_repeats(self) -> None:
        """Give the rows that repeat another one its outcome."""
        for place, first in self._repeats.items():
            state = self.states[first]
            if isinstance(state, Decided) and state.outcome["ok"] and "customer" in state.outcome:
                state = Decided({"ok": True, "repeated": True, "customer": state.outcome["customer"]})
            self.states[place] = state

    def failure(self) -> Failed | None:
        """The first row that met an error of this service's own."""
        return next((state for state in self.states if isinstance(state, Failed)), None)

    def _find_repeats(self) -> dict[int, int]:
        first: dict[str, int] = {}
        repeats = {}
        for place, row in enumerate(self.rows):
            earlier = first.setdefault(row.customer_id, place)
            if earlier != place:
                repeats[place] = earlier
        return repeats


def _duplicate(row: Checked) -> Decided:
    return Decided(outcomes.duplicate_key(row.email.address))
