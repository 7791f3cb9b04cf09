"""Reads the records of a file whose form is known."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, assert_never

from cli.importing.reading.json_lines import json_lines
from cli.importing.reading.json_list import json_list
from cli.importing.reading.table import table_records
from cli.importing.records import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.importing.reading.input_form import InputForm
    from cli.importing.records import Record


def records(form: InputForm, content: IO[bytes]) -> Iterator[Record]:
    """Yield the records of a file, each as soon as it was read.

    A record that cannot be read has a fault and stops no other.

    Args:
        form: what `recognise` says that the file is.
        content: `InputFile.content`, from the start.

    Raises:
        BrokenInputError: the rest cannot be read. The records before were yielded.
        OSError: the file cannot be read.
    """
    not_text = f"it is no text in {form.encoding_name}"
    match form.kind:
        case Form.JSON_LINES:
            return json_lines(content, not_text=not_text)
        case Form.JSON_LIST:
            return json_list(content, form.list_name, not_text=not_text)
        case Form.TABLE:
            return table_records(content, delimiter=form.delimiter, spaced=form.spaced, not_text=not_text)
    assert_never(form.kind)
