"""The customer: as it is asked for, as it is stored, and every fault that a request can have in its form.

Typed dictionaries rather than model classes: what was sent stays told apart from what was not, and comes back as it
was sent. What takes a list of the world's countries or an email's grammar to decide is left to the worker's rules.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NotRequired

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic_core import ErrorDetails

MAXIMUM_TEXT_CHARACTERS: Final = 1024
MAXIMUM_TAGS: Final = 1000
MAXIMUM_ADDRESSES: Final = 50
MAXIMUM_ADDRESS_LINES: Final = 100
MAXIMUM_PHONE: Final = 10**15 - 1
"""The largest integer of 15 digits: the most that every JSON reader keeps exactly (RFC 8259, section 6)."""

MAXIMUM_FAULT_BYTES: Final = 16 * 1024
"""UTF-8 bytes of the faults, as JSON, that are listed for one request (the HTTP contract).

An outcome is kept for a day, and a short request can have very many faults.
"""

_MAXIMUM_FIELD_NAME_CHARACTERS: Final = 128

_PASSWORD: Final = "password"  # noqa: S105 - the field's name

_MESSAGES: Final = {"extra_forbidden": "unknown field"}
"""By pydantic's type of an error, where its own words are for programmers."""

_PASSWORD_MESSAGES: Final = {
    "too_short": "String should have at least 1 character",
    "too_long": f"String should have at most {MAXIMUM_TEXT_CHARACTERS} characters",
}
"""The same for the password: pydantic speaks of the items of a secret, and tells how many there were."""

_INVISIBLE_LETTERS: Final = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that Unicode calls letters or symbols and that nevertheless show nothing (fillers, the braille blank)."""


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise PydanticCustomError("nul_character", "String should not contain U+0000")
    return text


def _visible(text: str) -> str:
    _without_nul(text)
    # Letters, numbers, punctuation and symbols show; marks, separators, controls and unassigned code points do not.
    if not any(unicodedata.category(char)[0] in "LNPS" and char not in _INVISIBLE_LETTERS for char in text):
        raise PydanticCustomError("no_visible_character", "String should have at least one visible character")
    return text


def _visible_secret(secret: SecretStr) -> SecretStr:
    _visible(secret.get_secret_value())
    return secret


OptionalText = Annotated[str, Field(max_length=MAXIMUM_TEXT_CHARACTERS), AfterValidator(_without_nul)]
RequiredText = Annotated[str, Field(min_length=1, max_length=MAXIMUM_TEXT_CHARACTERS), AfterValidator(_visible)]
Password = Annotated[
    SecretStr, Field(min_length=1, max_length=MAXIMUM_TEXT_CHARACTERS), AfterValidator(_visible_secret)
]

_TEXT_TAG: Final = "text"
_LINES_TAG: Final = "lines"


def _address_lines_tag(value: object) -> str | None:
    return _TEXT_TAG if isinstance(value, str) else _LINES_TAG if isinstance(value, list) else None


AddressLines = Annotated[
    Annotated[OptionalText, Tag(_TEXT_TAG)]
    | Annotated[list[OptionalText], Field(max_length=MAXIMUM_ADDRESS_LINES), Tag(_LINES_TAG)],
    Discriminator(
        _address_lines_tag,
        custom_error_type="text_or_lines",
        custom_error_message="Input should be a valid string or a list of strings",
    ),
]

_STRICT: Final = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


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
    password: Password
    firstName: RequiredText
    lastName: RequiredText
    status: NotRequired[Status]
    tags: NotRequired[Annotated[list[OptionalText], Field(max_length=MAXIMUM_TAGS)]]
    addresses: NotRequired[Annotated[list[Address], Field(max_length=MAXIMUM_ADDRESSES)]]


class StoredAddress(Address):
    """An address as it is stored and answered."""

    id: str


class StoredCustomer(TypedDict):
    """A customer as the repository keeps it; the repository alone knows how the database spells it."""

    id: str
    email: str
    email_key: str
    """What makes emails equal; unique."""
    password_hash: str
    firstName: str
    lastName: str
    status: Status
    tags: list[str]
    addresses: list[StoredAddress]
    created_at: datetime


class Fault(TypedDict):
    """One thing that is wrong with a request: where, and what."""

    field: str
    message: str


class InvalidRequestError(Exception):
    """The request does not have the documented form. `faults` never holds a value that was sent."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


CUSTOMER_REQUEST: Final[TypeAdapter[CustomerRequest]] = TypeAdapter(CustomerRequest)


def parse_customer_request(document: dict[str, Any]) -> CustomerRequest:
    """The request in its documented form.

    Raises:
        InvalidRequestError: with every fault, in the order of the documented fields, unknown fields last. Beyond
            `MAXIMUM_FAULT_BYTES` a last one says how many more there are.
    """
    try:
        return CUSTOMER_REQUEST.validate_python(document)
    except ValidationError as error:
        faults = [
            Fault(field=_field_name(each["loc"]), message=_message(each))
            # Input, URL and context could repeat what was sent, the password included.
            for each in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    raise InvalidRequestError(_bounded(faults))


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
    # A union's branch stands in the location as if it were a field; nobody documented one of that name.
    steps = [
        str(step)[:_MAXIMUM_FIELD_NAME_CHARACTERS]
        for before, step in zip((None, *location), location, strict=False)
        if not (before == "address_2" and step in {_TEXT_TAG, _LINES_TAG})
    ]
    return ".".join(steps)
