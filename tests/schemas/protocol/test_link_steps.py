"""USE_LINK, in a real Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.protocol.steps.links import use_link

if TYPE_CHECKING:
    from tests.support.records import Scripts

HOUR_SECONDS = 3600


def test_a_link_is_used_once(scripts: Scripts) -> None:
    assert scripts.run(use_link("one", kept_seconds=HOUR_SECONDS)) is True
    assert scripts.run(use_link("one", kept_seconds=HOUR_SECONDS)) is False
    assert scripts.run(use_link("another", kept_seconds=HOUR_SECONDS)) is True


def test_a_call_that_is_sent_twice_is_one_use(scripts: Scripts) -> None:
    call = use_link("one", kept_seconds=HOUR_SECONDS)
    assert [scripts.run(call), scripts.run(call)] == [True, True]
    assert scripts.run(use_link("one", kept_seconds=HOUR_SECONDS)) is False


def test_what_is_kept_of_a_link_ends_and_does_not_tell_the_link(scripts: Scripts) -> None:
    scripts.run(use_link("the text of the link", kept_seconds=HOUR_SECONDS))
    scripts.run(use_link("the text of the link", kept_seconds=9 * HOUR_SECONDS))
    (key,) = scripts.client.keys("intake:console:link:*")
    assert b"text" not in key
    assert 0 < scripts.client.pttl(key) <= 1000 * HOUR_SECONDS
