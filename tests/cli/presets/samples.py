"""The samples of the presets: exports of a few customers, written by each product's documentation.

`samples/passwords.json` has the passwords. Where it has null, the export has none, and the customer gets an initial
password. `commands.json` has the options with which the sample goes in whole, and the settings that the worker needs.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.importing.options import ImportOptions
from cli.importing.reading.input_file import InputFile
from cli.importing.reading.json_list import json_list
from cli.importing.reading.readers import records
from cli.importing.reading.recognise import recognise
from cli.importing.reading.table import table_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cli.importing.presets.preset import Preset
    from cli.importing.records import Draft, Record

FOLDER: Final = Path(__file__).parent / "samples"
PASSWORDS: Final[Mapping[str, Mapping[str, str | None]]] = json.loads((FOLDER / "passwords.json").read_text())
COMMANDS: Final[Mapping[str, Mapping[str, Any]]] = json.loads((FOLDER.parent / "commands.json").read_text())


def table(text: str) -> list[Record]:
    """The rows of a CSV text."""
    return list(table_records(io.BytesIO(text.encode()), delimiter=",", not_text=""))


def objects(documents: Iterable[Mapping[str, Any]]) -> list[Record]:
    """The records of a JSON list."""
    return list(json_list(io.BytesIO(json.dumps(list(documents)).encode()), "", not_text=""))


def sample(name: str) -> list[Record]:
    """The records of a sample."""
    with InputFile(FOLDER / name) as source:
        form = recognise(source, ImportOptions())
        with source.content() as content:
            return list(records(form, content))


def drafted(preset: Preset, read: Iterable[Record]) -> dict[str, Draft]:
    """The drafts by email. No sample has two of an email."""
    return {draft.customer["email"]: draft for draft in preset.drafts(read)}
