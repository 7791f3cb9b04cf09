"""What events tell, and what they do not."""

from __future__ import annotations

import json

from schemas.events import EventType, outcome_event, row_event
from schemas.outcome import Outcome, duplicate_key


def test_a_customer_is_told_by_its_id_alone() -> None:
    outcome = Outcome(ok=True, customer={"id": "HkhhuXESl", "email": "ann@example.org", "firstName": "Ann"})
    event = outcome_event("a-task", outcome)
    assert event.type is EventType.CREATED
    assert json.loads(event.data) == {"task": "a-task", "customer": "HkhhuXESl"}


def test_a_row_that_was_in_before_says_so() -> None:
    event = row_event(Outcome(ok=True, repeated=True, customer={"id": "HkhhuXESl"}))
    assert event.type is EventType.CREATED
    assert json.loads(event.data) == {"customer": "HkhhuXESl", "repeated": True}


def test_an_error_is_told_by_its_code_alone() -> None:
    event = outcome_event("a-task", duplicate_key("ann@example.org"))
    assert event.type is EventType.FAILED
    assert json.loads(event.data) == {"task": "a-task", "error": "duplicate_key"}
