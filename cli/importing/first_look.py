"""Looks at the beginning of a file: what form it has, and which names its first objects have."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from cli.importing.reading.errors import BrokenInputError, WrongInputError
from cli.importing.reading.readers import records
from cli.importing.reading.recognise import recognise
from cli.importing.records import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.importing.options import ImportOptions
    from cli.importing.presets.preset import Preset
    from cli.importing.reading.input_file import InputFile
    from cli.importing.reading.input_form import InputForm
    from cli.importing.records import Record

_OBJECTS: Final = 300
"""How many are looked at."""


def recognised(source: InputFile, options: ImportOptions, preset: Preset | None) -> InputForm:
    """The form of a file, which may be the export of a product.

    Raises:
        WrongInputError: it has no form that is read.
    """
    if preset is None or not preset.list_name or options.list_name:
        return recognise(source, options)
    try:
        return recognise(source, replace(options, list_name=preset.list_name))
    except WrongInputError:
        # The same objects may also stand in a list without a name, or one a line.
        return recognise(source, options)


def first_objects(source: InputFile, form: InputForm) -> list[Any]:
    """The first objects of JSON, as far as they can be seen without reading on in a stream. None of a table."""
    if form.kind is Form.TABLE:
        return []
    if source.is_regular:
        with source.content() as content:
            return _values(records(form, content))
    head, _ = source.beginning(lambda _: True)
    return _values(records(form, io.BytesIO(head)))


def _values(read: Iterator[Record]) -> list[Any]:
    found: list[Any] = []
    # A break is the end of the stream's first bytes, or of the file. That is told when it is reached.
    with suppress(BrokenInputError):
        found.extend(record.values for record in islice(read, _OBJECTS) if not record.fault)
    return found
