"""The faults of requests, for the tests of what a request may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.customer import InvalidRequestError, parse_customer_request

if TYPE_CHECKING:
    from schemas.customer import Fault


def faults_of(document: dict[str, Any]) -> list[Fault]:
    """All faults of a request that must be refused."""
    with pytest.raises(InvalidRequestError) as caught:
        parse_customer_request(document)
    return caught.value.faults


def fields_of(document: dict[str, Any]) -> list[str]:
    """The fields that they are about, in order."""
    return [fault["field"] for fault in faults_of(document)]
