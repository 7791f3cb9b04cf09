"""Whatever bytes a file has, it is read or refused in words that repeat nothing of its rows."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.importing.options import ImportOptions
from cli.importing.reading.errors import WrongInputError
from cli.importing.reading.input_file import InputFile
from cli.importing.reading.recognise import recognise
from tests.cli.importing.records import all_records

CANARY: Final = "Geheim123"
ONE_NAME: Final = "several columns have one name"
PARTS: Final = [
    *'{}[],:;"\n\r\t |<\\',
    "\r\n",
    '""',
    "sep=;\n",
    "email,name,password\n",
    '{"email": "a@example.com"}',
    '"customers": [',
    '"email":',
    f'"{CANARY}"',
    CANARY,
    f'{{"email": "{CANARY}", "email": 1}}',
    "null",
    "1e999",
    "\\ud800",
    "é",
    "\0",
    "--",
]
FIRST: Final = st.sampled_from(
    ["", "email,name,password\n", "[", '{"customers": [', '{"email": "a@example.com"}\n', '[{"email": "a@example.com"}']
)
ENCODINGS: Final = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"]
OPTIONS: Final = st.sampled_from(
    [
        ImportOptions(),
        ImportOptions(),
        ImportOptions(encoding="cp1252"),
        ImportOptions(encoding="utf-16"),
        ImportOptions(delimiter=";"),
        ImportOptions(list_name="customers"),
        ImportOptions(mapping={"email": "name"}),
    ]
)


@settings(derandomize=True, deadline=None, max_examples=600)
@given(
    parts=st.tuples(FIRST, st.lists(st.sampled_from(PARTS), max_size=30)),
    encoding=st.sampled_from(ENCODINGS),
    junk=st.tuples(st.integers(0, 200), st.binary(max_size=4)),
    packed=st.booleans(),
    options=OPTIONS,
)
def test_any_bytes_are_read_or_refused_in_words(
    *, parts: tuple[str, list[str]], encoding: str, junk: tuple[int, bytes], packed: bool, options: ImportOptions
) -> None:
    content = "".join([parts[0], *parts[1]]).encode(encoding, "replace")
    content = gzip.compress(content, mtime=0) if packed else content
    place, bytes_of_junk = junk
    content = content[:place] + bytes_of_junk + content[place:]

    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        told = told_of(Path(file.name), options)

    assert CANARY not in told


def told_of(path: Path, options: ImportOptions) -> str:
    """All that is said of a file. The first line is no secret where it is taken for the names of columns."""
    with InputFile(path) as source:
        try:
            form = recognise(source, options)
        except WrongInputError as error:
            return "" if ONE_NAME in str(error) else str(error)
        got, error_of_rest = all_records(form, source.content())
        again, _ = all_records(form, source.content())
    assert again == got
    numbers = [each.number for each in got]
    assert numbers == sorted(set(numbers))
    return "".join([form.described, *map(repr, got), str(error_of_rest)])
