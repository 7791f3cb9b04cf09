"""The numbers of the page in a real browser, by looks of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from tests.console.browsing import Tab
    from tests.console.client import Console

pytestmark = pytest.mark.slow

_SHOW: Final = "async (look) => { (await import('/look.js')).showLook(look, {}); }"
"""Shows a look on the page, which nobody is logged in to."""

UNKNOWN: Final = "\N{EN DASH}"
"""What stands in place of a number that nobody knows."""

_MINUTE: Final = 60_000
"""In milliseconds."""

_BATCH: Final = {
    "id": "4OoNnHngoO54hulirUpkSC",
    "mode": "create",
    "rows": 300,
    "finished": 100,
    "upload_ended": True,
    "canceled": False,
}


def _show(tab: Tab, console: Console, **seen: Any) -> None:
    console.log_in()
    tab.page.evaluate(_SHOW, {**console.look(), **seen})


@pytest.mark.parametrize(
    ("batch", "paused", "left"),
    [
        ({}, "nothing", "2 min 00 s"),
        # Its last row may have been done long ago: then it gets no nearer to its end, and no time may say so.
        ({"last_at": 1_000}, "nothing", "2 min 00 s"),
        ({"upload_ended": False}, "nothing", UNKNOWN),
        ({"canceled": True}, "nothing", UNKNOWN),
        ({"finished": 0}, "nothing", UNKNOWN),
        ({}, "batches", UNKNOWN),
    ],
)
def test_the_time_that_a_batch_takes_yet_is_that_of_its_summary(
    tab: Tab, console: Console, batch: dict[str, Any], paused: str, left: str
) -> None:
    console.log_in()
    at = console.look()["at"]
    shown = {**_BATCH, "accepted_at": at - _MINUTE, "last_at": at, **batch}
    _show(tab, console, at=at, batches=[shown], paused={"what": paused, "by": "", "at": None})
    assert tab.page.text_content("#batches tbody td:nth-child(5)") == left


def test_more_batches_than_are_shown_are_told_of(tab: Tab, console: Console) -> None:
    _show(tab, console, batches=[], more_batches=0)
    assert tab.page.evaluate("document.querySelector('#more-batches').hidden")
    _show(tab, console, batches=[{**_BATCH, "accepted_at": 0, "last_at": 0}], more_batches=37)
    assert tab.page.text_content("#more-batches") == "37 more run, or ended a moment ago."
