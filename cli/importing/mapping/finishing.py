"""Makes rows of drafts, whatever form or preset they come from: options, conversions, and the JSON that is sent."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from cli.importing.hashes.any import translate
from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.mapping.conversions.countries import UnknownCountryError, country_code
from cli.importing.mapping.conversions.defaults import Defaults
from cli.importing.mapping.conversions.odd_passwords import LOOKS_LIKE_HASH, looks_like_hash
from cli.importing.mapping.conversions.phones import DROPPED, BadPhoneError, phone_number
from cli.importing.mapping.fields import (
    ADDRESS_FIELDS,
    ADDRESSES,
    COUNTRY,
    CUSTOMER_FIELDS,
    EMAIL,
    PASSWORD,
    PASSWORD_HASH,
    PHONE,
    TAGS,
    column_of,
)
from cli.importing.mapping.initial_passwords import initial_password
from cli.importing.records import Fault, ImportRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cli.importing.options import ImportOptions
    from cli.importing.records import Draft

FRACTION: Final = "is a number with a fraction, and no field takes one"
"""The fault of such a number. JSON has many ways to write it, and only its digits were kept."""
NO_TEXT: Final = "has a lone surrogate in it, which is no text"
"""The fault of a string that cannot be written in UTF-8."""

_NOTHING: Final = (None, "")
"""What counts as no password."""
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Writes what is sent. The same customer always gives the same bytes: the service knows a row again by them."""


class Finishing:
    """Makes a row of each draft."""

    def __init__(self, options: ImportOptions) -> None:
        """Take the options.

        Raises:
            UnknownFieldError: a default is for no field.
        """
        self._options = options
        self._defaults = Defaults(options.defaults) if options.defaults else None

    def rows(self, drafts: Iterable[Draft]) -> Iterator[ImportRow]:
        """Yield one row a draft, in the same order."""
        for draft in drafts:
            yield self._row(draft)

    def _row(self, draft: Draft) -> ImportRow:
        faults = list(draft.faults)
        body = b""
        if not faults:
            customer = self._converted(draft, faults)
            if not faults:
                body = _written(customer, draft.columns, faults)
        return ImportRow(
            draft.records[0].number, body, tuple(faults), tuple(draft.warnings), draft.columns, tuple(draft.records)
        )

    def _converted(self, draft: Draft, faults: list[Fault]) -> dict[str, Any]:
        """The customer in the contract's order, with all values as the contract wants them."""
        customer, options = draft.customer, self._options
        addresses = customer.get(ADDRESSES)
        if isinstance(addresses, list):
            # The record has the same dictionaries, and must stay as it was read.
            customer[ADDRESSES] = addresses = [dict(each) if isinstance(each, dict) else each for each in addresses]
        if options.drop_nulls:
            _drop_nulls(customer)
            addresses = customer.get(ADDRESSES)
        if self._defaults is not None:
            self._defaults.fill(customer)
        if isinstance(tags := customer.get(TAGS), str):
            customer[TAGS] = _split(tags, options.tags_separator)
        if isinstance(addresses, list):
            for place, address in enumerate(addresses):
                if isinstance(address, dict):
                    self._convert_address(address, place, draft, faults)
                    addresses[place] = _in_order(address, ADDRESS_FIELDS)
        self._convert_password(customer, draft, faults)
        return _in_order(customer, CUSTOMER_FIELDS)

    def _convert_address(self, address: dict[str, Any], place: int, draft: Draft, faults: list[Fault]) -> None:
        if PHONE in address:
            try:
                address[PHONE] = phone_number(address[PHONE])
            except BadPhoneError as error:
                if self._options.drop_bad_phones:
                    del address[PHONE]
                    draft.warnings.append(DROPPED)
                else:
                    faults.append(_fault(f"{ADDRESSES}.{place}.{PHONE}", str(error), draft.columns))
        if self._options.country_names and COUNTRY in address:
            try:
                address[COUNTRY] = country_code(address[COUNTRY])
            except UnknownCountryError as error:
                faults.append(_fault(f"{ADDRESSES}.{place}.{COUNTRY}", str(error), draft.columns))

    def _convert_password(self, customer: dict[str, Any], draft: Draft, faults: list[Fault]) -> None:
        """Translate another product's hash. Give an initial password to who has neither a password nor a hash."""
        if isinstance(text := customer.get(PASSWORD_HASH), str):
            try:
                customer[PASSWORD_HASH] = translate(text)
            except NoPasswordError:
                del customer[PASSWORD_HASH]
            except ForeignHashError as error:
                faults.append(_fault(PASSWORD_HASH, str(error), draft.columns))
        key, email = self._options.initial_password_key, customer.get(EMAIL)
        has_none = customer.get(PASSWORD) in _NOTHING and customer.get(PASSWORD_HASH) in _NOTHING
        if key and has_none and isinstance(email, str):
            customer.pop(PASSWORD_HASH, None)
            customer[PASSWORD] = initial_password(key, email)
        if looks_like_hash(customer.get(PASSWORD)):
            draft.warnings.append(LOOKS_LIKE_HASH)


def _split(text: str, separator: str) -> list[str]:
    return [tag for each in (text.split(separator) if separator else [text]) if (tag := each.strip())]


def _in_order(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The same values, documented names first."""
    ordered = {name: values[name] for name in names if name in values}
    return ordered if len(ordered) == len(values) else ordered | values


def _drop_nulls(customer: dict[str, Any]) -> None:
    """Leave out fields that are null, addresses that are null or have nothing else, and tags that are null."""
    for name in [name for name, value in customer.items() if value is None]:
        del customer[name]
    if isinstance(tags := customer.get(TAGS), list):
        customer[TAGS] = [tag for tag in tags if tag is not None]
    if isinstance(addresses := customer.get(ADDRESSES), list):
        kept = [
            {name: value for name, value in each.items() if value is not None} if isinstance(each, dict) else each
            for each in addresses
        ]
        customer[ADDRESSES] = [each for each in kept if each is not None and each != {}]


def _written(customer: Mapping[str, Any], columns: Mapping[str, str], faults: list[Fault]) -> bytes:
    try:
        return _ENCODER.encode(customer).encode("utf-8")
    except (TypeError, UnicodeEncodeError):
        faults.extend(_unwritable(customer, "", columns))
        if not faults:
            faults.append(Fault("", NO_TEXT))  # a name in it cannot be written
        return b""


def _unwritable(value: Any, path: str, columns: Mapping[str, str]) -> Iterator[Fault]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _unwritable(each, f"{path}.{name}" if path else name, columns)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _unwritable(each, f"{path}.{place}", columns)
    elif isinstance(value, Decimal):
        yield _fault(path, FRACTION, columns)
    elif isinstance(value, str) and not value.isprintable():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            yield _fault(path, NO_TEXT, columns)


def _fault(path: str, message: str, columns: Mapping[str, str]) -> Fault:
    """A fault that names the column itself, where the field comes from one."""
    return Fault(column_of(columns, path) or path, message)
