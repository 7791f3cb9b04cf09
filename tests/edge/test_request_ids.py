"""Which ids of callers an answer repeats."""

from __future__ import annotations

import pytest

from edge.request_ids import caller_request_id


@pytest.mark.parametrize("value", ["", "a b", "ü", "a\n", "x" * 129])
def test_a_request_id_that_an_answer_cannot_repeat_is_ignored(value: str) -> None:
    assert caller_request_id(value) is None


@pytest.mark.parametrize("value", ["a", "x" * 128, "!~"])
def test_a_visible_request_id_is_kept(value: str) -> None:
    assert caller_request_id(value) == value
