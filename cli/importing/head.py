"""Judges the first rows of a file before anything is sent: a wrong file is refused once, not a million times."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from cli.importing.mapping.fields import (
    ADDRESSES,
    COUNTRY,
    EMAIL,
    PASSWORD,
    REQUIRED_ADDRESS_FIELDS,
    REQUIRED_FIELDS,
    SECRET_FIELDS,
)
from cli.importing.reading.errors import BrokenInputError
from cli.importing.reading.recognising.wrong_form import WrongForm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cli.importing.reading.errors import WrongInputError
    from cli.importing.reading.input_file import InputFile
    from cli.importing.reading.input_form import InputForm
    from cli.importing.records import ImportRow

_ROWS: Final = 300
"""How many are judged."""
_MANY: Final = 20
"""So many rows that are all wrong make a wrong file. Fewer may be those that somebody is correcting."""

_TO_DO: Final = "Mend them, or say how they are to be read: see customer-intake submit --help."
"""What to do where the first rows are of no use."""

_EXAMPLES: Final = {f"{ADDRESSES}.firstName": "{firstName}", f"{ADDRESSES}.{COUNTRY}": "CH"}
"""What a field may get where a dash would be no good."""


def without_secrets(title: str) -> WrongForm:
    """Why a failed file alone is not enough. `title`: what the file is, for a person."""
    return WrongForm(
        f"{title} with the rows that were refused, which never has passwords or hashes",
        "Name the file that has them: --passwords-from ORIGINAL.",
    )


class Head:
    """Judges the beginning of one file."""

    def __init__(self, source: InputFile, form: InputForm, *, title: str, is_failed_file: bool) -> None:
        """`title`: what the file is, for a person."""
        self._source = source
        self._counts_by = form.counts_by
        self._title = title
        self._is_failed_file = is_failed_file

    def check(self, rows: Iterator[ImportRow]) -> None:
        """Return where some of the first rows can be sent.

        Raises:
            WrongInputError: no row can be read or mapped, none has an email, or a failed file has no passwords.
        """
        read: list[ImportRow] = []
        try:
            # Not list(): the rows before a break count.
            for row in islice(rows, _ROWS):
                read.append(row)  # noqa: PERF402
        except BrokenInputError as error:
            if not read or self._is_failed_file:
                where = f"{self._counts_by} {error.number:,}: {error.message}"
                raise self._refused(f"that cannot be read: {where}", "Make or copy it once more.") from None
        if not read:
            raise self._refused("without any row", "Give the file of the customers.")
        self._check_faults(read)
        customers = [json.loads(row.body) for row in read if row.body]
        if customers and not any(customer.get(EMAIL) for customer in customers):
            which = "not one of its rows" if len(read) < _ROWS else f"not one of its first {_ROWS} rows"
            raise self._refused(f"without customers: {which} has an email", f"Say where it is: --map {EMAIL}=….")
        if self._is_failed_file and not any(SECRET_FIELDS & customer.keys() for customer in customers):
            raise self._source.refused(without_secrets(self._title))
        if len(customers) >= _MANY:
            self._check_required(customers)

    def checked(self, rows: Iterator[ImportRow]) -> Iterator[ImportRow]:
        """The same rows of a stream, which cannot be read twice. Rows with faults wait for the first without.

        Raises:
            WrongInputError: in place of the first row, as `check`.
        """
        waiting: list[ImportRow] = []
        for row in rows:
            waiting.append(row)
            if row.body:
                break
            if len(waiting) == _ROWS:
                self._check_faults(waiting)
        else:
            self._check_faults(waiting)
        yield from waiting
        yield from rows

    def _check_required(self, customers: Sequence[Mapping[str, Any]]) -> None:
        """Refuse a file in which every row lacks something that the contract requires."""
        if not any(SECRET_FIELDS & customer.keys() for customer in customers):
            raise self._refused(
                f"without passwords: not one of its first {len(customers):,} rows has a password or a hash",
                f"Say where they are (--map {PASSWORD}=…), or have them made: --initial-passwords FILE.",
            )
        addresses = [
            address
            for customer in customers
            if isinstance(customer.get(ADDRESSES), list)
            for address in customer[ADDRESSES]
            if isinstance(address, dict)
        ]
        missing = [name for name in REQUIRED_FIELDS if not any(name in customer for customer in customers)]
        if len(addresses) >= _MANY:
            missing += [
                f"{ADDRESSES}.{name}"
                for name in REQUIRED_ADDRESS_FIELDS
                if not any(name in address for address in addresses)
            ]
        if missing:
            raise self._refused(
                f"in which not one of the first rows has {', '.join(missing)}, which the contract requires",
                "Say where it is (--map), or what it gets: "
                + " ".join(f"--default {name}={_EXAMPLES.get(name, '-')}" for name in missing)
                + ".",
            )

    def _check_faults(self, rows: Iterable[ImportRow]) -> None:
        faults = [(row.number, row.faults[0]) if row.faults else None for row in rows]
        first = faults[0] if faults else None
        if first is None or not all(faults):
            return
        cannot_be_read = all(each is not None and not each[1].where for each in faults)
        if cannot_be_read or (len(faults) >= _MANY and not self._is_failed_file):
            number, fault = first
            where = f"{fault.where}: " if fault.where else ""
            which = f"its first {len(faults):,} rows" if len(faults) > 1 else "its rows"
            why = f"none of {which} can be sent. {self._counts_by.capitalize()} {number:,}: {where}{fault.message}"
            raise self._refused(f"and {why}", _TO_DO)

    def _refused(self, why: str, to_do: str) -> WrongInputError:
        return self._source.refused(WrongForm(f"{self._title} {why}", to_do))
