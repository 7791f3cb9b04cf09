"""Customers in memory, for tests that are not about the database. They pass the same tests as those in MongoDB."""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING

from worker.customer.customers import Added, EmailTaken, Known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.customer import StoredCustomer
    from worker.customer.customers import NotStored


class InMemoryCustomers:
    """A `CustomerRepository` that forgets everything with its process. Thread-safe."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredCustomer] = {}
        self._lock = threading.Lock()

    def add(self, customer: StoredCustomer) -> Added | EmailTaken | NotStored:
        """Add one customer, as `add_all` does."""
        with self._lock:
            stored = self._by_id.get(customer["id"])
            if stored is not None:
                return Added(copy.deepcopy(stored))
            if any(other["email_key"] == customer["email_key"] for other in self._by_id.values()):
                return EmailTaken()
            self._by_id[customer["id"]] = copy.deepcopy(customer)
            return Added(copy.deepcopy(customer))

    def add_all(self, customers: Sequence[StoredCustomer]) -> list[Added | EmailTaken | NotStored]:
        """See `CustomerRepository.add_all`."""
        return [self.add(customer) for customer in customers]

    def find_all(self, *, ids: Sequence[str], email_keys: Sequence[str] = ()) -> Known:
        """See `CustomerRepository.find_all`."""
        with self._lock:
            by_id = {each: copy.deepcopy(self._by_id[each]) for each in ids if each in self._by_id}
            emails = {customer["email_key"] for customer in self._by_id.values()}
        return Known(by_id, frozenset(emails.intersection(email_keys)))

    def all(self) -> list[StoredCustomer]:
        """Every stored customer."""
        with self._lock:
            return copy.deepcopy(list(self._by_id.values()))
