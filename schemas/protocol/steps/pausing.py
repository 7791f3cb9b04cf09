"""The steps by which an operator has all workers take no more tasks, or no more chunks of batches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.keys import PAUSED_KEY
from schemas.protocol.lua_files import load_script
from schemas.protocol.reading import whole

if TYPE_CHECKING:
    from schemas.protocol.call import Call, Script

_PAUSE: Final[Script] = load_script("pause")
"""The step that pauses and resumes."""
_READ_PAUSE: Final[Script] = load_script("read_pause")
"""The step that reads what is paused."""


class Paused(StrEnum):
    """What workers do not take."""

    NOTHING = "nothing"
    BATCHES = "batches"
    """Chunks of batches. Signups are taken."""
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What is paused, since when, and by whom."""

    what: Paused
    by: str
    """The operator; empty where nothing is paused."""
    at_milliseconds: int | None
    """By Redis' clock, in Unix milliseconds."""


def pause(what: Paused, *, by: str) -> Call[bool]:
    """Have all workers stop to take this, or resume with `Paused.NOTHING`. The reply says whether that is a change.

    Workers finish what they have taken. They heed it within a second or two, those that start later as well.
    """
    return _PAUSE.call(bool, keys={"paused": PAUSED_KEY}, arguments={"what": what.value, "by": by})


def read_pause() -> Call[Pause]:
    """What is paused. Changes nothing."""
    return _READ_PAUSE.call(pause_of, keys={"paused": PAUSED_KEY}, arguments={})


def pause_of(reply: Any) -> Pause:
    """What a script replied that read `what`, `by` and `at` of a pause."""
    what, by, at = reply
    try:
        paused = Paused((what or b"").decode())
    except ValueError:
        # Nothing, or a word of a newer release.
        paused = Paused.NOTHING
    if paused is Paused.NOTHING:
        return Pause(what=paused, by="", at_milliseconds=None)
    return Pause(what=paused, by=(by or b"").decode("utf-8", "replace"), at_milliseconds=whole(at) or None)
