"""The customer: its form in a request, its form in the database, and the faults of a request's form.

These are typed dictionaries and not model classes: a field that was not sent stays absent, and every other field comes
back as it was sent. Checks that need the list of countries or an email's grammar are rules of the worker.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from schemas.password_hashes.field import IMPORT_SCOPE, PASSWORD_HASH
from schemas.password_hashes.parsing import PLAIN_RULES, HashRules
from schemas.texts import (
    LINES_TAG,
    MAXIMUM_TEXT_CHARACTERS,
    TEXT_TAG,
    AddressLines,
    OptionalText,
    Password,
    PasswordHashText,
    RequiredText,
)

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic_core import ErrorDetails

MAXIMUM_TAGS: Final = 1000
"""Of one customer."""

MAXIMUM_ADDRESSES: Final = 50
"""Of one customer."""

MAXIMUM_PHONE: Final = 10**15 - 1
"""The largest integer of 15 digits: the most that every JSON reader keeps exactly (RFC 8259, section 6)."""

MAXIMUM_FAULT_BYTES: Final = 16 * 1024
"""Most bytes of faults that are listed for one request, as UTF-8 JSON. The HTTP contract has this number.

A short request can have very many faults, and each outcome is kept for a day.
"""

_MAXIMUM_FIELD_NAME_CHARACTERS: Final = 128
"""Of each name in a fault's path. A longer name, which no documented field has, is cut."""

_PASSWORD: Final = "password"  # noqa: S105 - the field's name
"""The field that has messages of its own, which tell nothing of its value."""

_MESSAGES: Final = {"extra_forbidden": "unknown field"}
"""Our messages, by pydantic's type of an error, where pydantic's message is meant for programmers."""

_PASSWORD_MESSAGES: Final = {
    "too_short": "String should have at least 1 character",
    "too_long": f"String should have at most {MAXIMUM_TEXT_CHARACTERS} characters",
}
"""Our messages for the password: pydantic's speak of the items of a secret, and say how many there were."""

_STRICT: Final = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)
"""No conversion of types, no unknown field, and no value in the text of an error."""


@with_config(_STRICT)
class Address(TypedDict):
    """An address as it is sent, in the order in which it is shown."""

    name: RequiredText
    firstName: RequiredText
    lastName: NotRequired[OptionalText]
    address_1: RequiredText
    address_2: NotRequired[AddressLines]
    postCode: RequiredText
    city: RequiredText
    state: RequiredText
    country: RequiredText
    company: NotRequired[OptionalText]
    phone: NotRequired[Annotated[int, Field(ge=0, le=MAXIMUM_PHONE)]]
    instructions: NotRequired[OptionalText]


Status = Literal["ACTIVE", "INACTIVE"]


@with_config(_STRICT)
class CustomerRequest(TypedDict):
    """The arguments of `customer.create`."""

    email: RequiredText
    password: NotRequired[Password]
    passwordHash: NotRequired[PasswordHashText]
    firstName: RequiredText
    lastName: RequiredText
    status: NotRequired[Status]
    tags: NotRequired[Annotated[list[OptionalText], Field(max_length=MAXIMUM_TAGS)]]
    addresses: NotRequired[Annotated[list[Address], Field(max_length=MAXIMUM_ADDRESSES)]]


class StoredAddress(Address):
    """An address as it is stored and answered."""

    id: str


class StoredCustomer(TypedDict):
    """A customer as the repository takes and returns it. Only the repository knows the names in the database."""

    id: str
    email: str
    email_key: str
    """The email in the form in which two emails are compared. No two customers have the same."""
    password_hash: str
    password_scheme: NotRequired[str]
    """How the hash was made. Customers that releases before 0.2 stored do not have it; theirs are argon2id."""
    origin: NotRequired[str]
    """The chunk and the place of the row that made the customer. Customers of single signups do not have it."""
    firstName: str
    lastName: str
    status: Status
    tags: list[str]
    addresses: list[StoredAddress]
    created_at: datetime


class Fault(TypedDict):
    """One fault of a request: the field's path, and what is wrong with it."""

    field: str
    message: str


class InvalidRequestError(Exception):
    """The request does not have the documented form. `faults` never holds a value that was sent."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


CUSTOMER_REQUEST: Final[TypeAdapter[CustomerRequest]] = TypeAdapter(CustomerRequest)
"""Checks a request for a customer."""


def parse_customer_request(
    document: dict[str, Any], *, may_import: bool = True, hash_rules: HashRules = PLAIN_RULES
) -> CustomerRequest:
    """The request in its documented form.

    Args:
        document: the request as JSON gives it.
        may_import: whether the caller may import password hashes. Otherwise a hash is a fault, whatever it is.
        hash_rules: which hashes the service takes.

    Raises:
        InvalidRequestError: the request has faults. They are in the order of the documented fields, and unknown fields
            come last. Where they take more than `MAXIMUM_FAULT_BYTES`, a last fault says how many are left out.
    """
    choice = _fault_of_choice(document, may_import=may_import)
    if not may_import and PASSWORD_HASH in document:
        document = {name: value for name, value in document.items() if name != PASSWORD_HASH}
    faults: list[Fault] = []
    try:
        request = CUSTOMER_REQUEST.validate_python(document, context=hash_rules)
    except ValidationError as error:
        faults = [
            Fault(field=_field_name(each["loc"]), message=_message(each))
            # Input, URL and context could repeat what was sent, the password included.
            for each in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    else:
        if choice is None:
            return request
    if choice is not None:
        place = sum(fault["field"] in {"email", _PASSWORD} for fault in faults)
        faults.insert(place, choice)
    raise InvalidRequestError(_bounded(faults))


def _fault_of_choice(document: dict[str, Any], *, may_import: bool) -> Fault | None:
    """A password or a hash must be there, not both, and a hash only where the caller may import it."""
    if PASSWORD_HASH not in document:
        return None if _PASSWORD in document else Fault(field=_PASSWORD, message="Field required")
    if not may_import:
        return Fault(field=PASSWORD_HASH, message=f"needs a token with the scope {IMPORT_SCOPE}")
    return Fault(field=PASSWORD_HASH, message=f"must not stand beside {_PASSWORD}") if _PASSWORD in document else None


def _message(error: ErrorDetails) -> str:
    own = _PASSWORD_MESSAGES if error["loc"] == (_PASSWORD,) else _MESSAGES
    return own.get(error["type"], error["msg"])


def _bounded(faults: list[Fault]) -> list[Fault]:
    size = 0
    for count, fault in enumerate(faults):
        size += len(json.dumps(fault, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if size > MAXIMUM_FAULT_BYTES:
            return [*faults[:count], Fault(field="", message=f"and {len(faults) - count} faults more")]
    return faults


def _field_name(location: tuple[int | str, ...]) -> str:
    # pydantic puts the branch of a union into the location as if it were a field. No field of that name is documented.
    steps = [
        str(step)[:_MAXIMUM_FIELD_NAME_CHARACTERS]
        for before, step in zip((None, *location), location, strict=False)
        if not (before == "address_2" and step in {TEXT_TAG, LINES_TAG})
    ]
    return ".".join(steps)
