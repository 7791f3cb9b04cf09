"""The stages of one row on its way to a customer: a `Row` is checked, then hashed, then it has its result.

A row is one request for a customer. These values know nothing of tasks, deliveries and Redis, so that a row may come
from a task of its own or from anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from schemas import outcome as outcomes
from schemas.customer import StoredCustomer
from schemas.password_hashes.field import PASSWORD_HASH
from schemas.texts import ImportedHash
from worker.dependencies.errors import GiveBackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pydantic import SecretStr

    from schemas.customer import CustomerRequest, StoredAddress
    from schemas.outcome import Outcome
    from worker.customer.rules import Email

ARGON2ID: Final = "argon2id"
"""The scheme of every hash that this service makes itself."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Row:
    """A request that nobody has looked at yet."""

    customer_id: str
    """The id that the customer will have, however often the row is worked on."""
    body: bytes = field(repr=False)
    """The request as JSON."""
    origin: str = ""
    """The chunk and the place in it, of a row of a batch. The customer that it makes keeps this."""
    may_import: bool = True
    """Whether the caller may import a hash that another system made."""

    @property
    def identity(self) -> Identity:
        """Who the row's customer is."""
        return Identity(self.customer_id, self.origin)


@dataclass(frozen=True, slots=True)
class Identity:
    """How the customer of a row is recognised where it is stored already."""

    customer_id: str
    origin: str = ""
    """See `Row`. The same customer with another origin was made by another row, which this one repeats."""

    def outcome(self, stored: StoredCustomer) -> Outcome:
        """The outcome of the row whose customer is stored."""
        is_own = stored.get("origin", "") == self.origin
        return outcomes.created(stored) if is_own else outcomes.repeated(stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A request that passed every check. Only the hash is missing, unless the request brought one."""

    identity: Identity
    email: Email = field(repr=False)
    request: CustomerRequest = field(repr=False)
    addresses: list[StoredAddress] = field(repr=False)
    checked_at: datetime

    @property
    def password(self) -> SecretStr:
        """The password to be hashed; there is none where the request brought a hash."""
        return self.request["password"]

    @property
    def imported(self) -> ImportedHash | None:
        """The hash that the request brought."""
        secret = self.request.get(PASSWORD_HASH)
        return secret if isinstance(secret, ImportedHash) else None

    @property
    def is_hashed(self) -> bool:
        """Whether the request brought a hash that is stored as it is: nothing is left to compute."""
        imported = self.imported
        return imported is not None and imported.digest is None

    def complete(self, password_hash: str, *, scheme: str = ARGON2ID) -> StoredCustomer:
        """The customer as it is to be stored."""
        request = self.request
        customer = StoredCustomer(
            id=self.identity.customer_id,
            email=self.email.address,
            email_key=self.email.key,
            password_hash=password_hash,
            password_scheme=scheme,
            firstName=request["firstName"],
            lastName=request["lastName"],
            status=request.get("status", "ACTIVE"),
            tags=request.get("tags", []),
            addresses=self.addresses,
            created_at=self.checked_at,
        )
        if self.identity.origin:
            customer["origin"] = self.identity.origin
        return customer


@dataclass(frozen=True, slots=True)
class Hashed:
    """A complete customer that is not stored yet."""

    customer: StoredCustomer = field(repr=False)

    @property
    def identity(self) -> Identity:
        """Who the row's customer is."""
        return Identity(self.customer["id"], self.customer.get("origin", ""))


@dataclass(frozen=True, slots=True)
class Decided:
    """A result: the documented outcome of the row."""

    outcome: Outcome = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """A result: the row can have no outcome before a person has mended something. Its task becomes a dead letter."""

    reason: str
    """A code."""
    detail: str = ""
    """What else an operator may know: an error by name, an index. Nothing of the request."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A result: an error of this service's own. The row may be worked on again."""

    error: Exception


def guarded(
    step: Callable[Parameters, Result], *arguments: Parameters.args, **options: Parameters.kwargs
) -> Result | Failed:
    """Call the step for one row. What the step raises becomes `Failed`, so that the other rows go on.

    Raises:
        GiveBackError: raised by the step. It is about every row alike.
    """
    try:
        return step(*arguments, **options)
    except GiveBackError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever gets `Failed` logs it
        return Failed(error)
