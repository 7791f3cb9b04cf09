"""Bad input stores nothing, and the service goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.service import an_email
from tests.support.requests import a_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.service import Service


@pytest.fixture(autouse=True)
def _nothing_stored_and_the_service_goes_on(service: Service) -> Iterator[None]:
    before = len(service.customers())
    yield
    service.wait_until_idle()
    assert len(service.customers()) == before
    assert service.outcome(a_request(email=an_email()))["ok"] is True
