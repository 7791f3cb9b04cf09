"""The samples of the presets: exports of a few customers, written by each product's documentation.

`samples/passwords.json` has the passwords. Where it has null, the export has none, and the customer gets an initial
password. `commands.json` has the options with which the sample goes in whole, and the settings that the worker needs.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.importing.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cli.importing.presets.preset import Preset
    from cli.importing.records import Draft

FOLDER: Final = Path(__file__).parent / "samples"
PASSWORDS: Final[Mapping[str, Mapping[str, str | None]]] = json.loads((FOLDER / "passwords.json").read_text())
COMMANDS: Final[Mapping[str, Mapping[str, Any]]] = json.loads((FOLDER.parent / "commands.json").read_text())


def table(text: str) -> list[Record]:
    """The rows of a CSV text."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = next(reader)
    rows, line = [], reader.line_num + 1
    for cells in reader:
        rows.append(Record(line, dict(zip(columns, cells, strict=True))))
        line = reader.line_num + 1
    return rows


def objects(documents: Iterable[Mapping[str, Any]]) -> list[Record]:
    """The records of a JSON list."""
    return [Record(number, document) for number, document in enumerate(documents, 1)]


def sample(name: str) -> list[Record]:
    """The records of a sample."""
    path = FOLDER / name
    text = path.read_bytes().decode()
    return objects(json.loads(text)) if path.suffix == ".json" else table(text)


def drafted(preset: Preset, records: Iterable[Record]) -> dict[str, Draft]:
    """The drafts by email. No sample has two of an email."""
    return {draft.customer["email"]: draft for draft in preset.drafts(records)}
