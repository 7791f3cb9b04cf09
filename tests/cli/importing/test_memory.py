"""A file of any size is read within a bounded memory."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="only Linux tells the greatest memory of a process"
    ),
]

READ: Final = """
import sys
from pathlib import Path
from cli.importing.options import ImportOptions
from cli.importing.reading.errors import BrokenInputError
from cli.importing.reading.input_file import InputFile
from cli.importing.reading.readers import records
from cli.importing.reading.recognise import recognise

count, end = 0, "the end"
with InputFile(Path(sys.argv[1])) as source:
    try:
        for record in records(recognise(source, ImportOptions()), source.content()):
            count += not record.fault
    except BrokenInputError as error:
        end = error.message
# Not ru_maxrss: that has the memory of the process that started this one.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(count, int(status["VmHWM"].split()[0]) * 1024, end, sep=";")
"""
"""A process that reads a file, and tells its rows without faults, its greatest memory in bytes, and how it ended."""

MOST_BYTES: Final = 100 * 1024 * 1024


def read_in_a_process(path: Path) -> tuple[int, str]:
    """How many rows were read, and how the file ended. The memory was bounded."""
    ended = subprocess.run([sys.executable, "-c", READ, path], check=True, capture_output=True, text=True)
    count, memory_bytes, end = ended.stdout.strip().split(";")
    assert int(memory_bytes) < MOST_BYTES
    return int(count), end


def test_three_million_rows_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    rows = "".join(f'{number}@example.com,Zoë,"O""Neil, {number}",Köln,"a,b"\n' for number in range(100_000)).encode()
    with path.open("wb") as file:
        file.write(b"email,firstName,lastName,addresses.0.city,tags\n")
        for _ in range(30):
            file.write(rows)

    assert read_in_a_process(path) == (3_000_000, "the end")


def test_an_array_of_100_megabytes_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    item = json.dumps({"email": "a@example.com", "tags": ["x"] * 20, "addresses": [{"city": "Köln"}] * 2})
    with path.open("w") as file:
        file.write(f"[{item}")
        file.write(f",{item}" * (100_000_000 // len(item)))
        file.write("]")

    assert read_in_a_process(path) == (100_000_000 // len(item) + 1, "the end")


def test_a_quote_that_never_closes_in_a_packed_table(tmp_path: Path) -> None:
    path = tmp_path / "export.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'email,name\na,b\nc,"d\n')
        for _ in range(30):
            file.write(b"e,f\n" * 250_000)

    assert read_in_a_process(path) == (1, "a quote opens in this row and never closes")


@pytest.mark.parametrize(
    ("before", "after", "end"),
    [
        (b'{"email": "a"}\n', b'\n{"email": "b"}', "the end"),
        (b'[{"email": "a"}, {"x": "', b'"}, {"email": "b"}]', "the end"),
        (b'[{"email": "a"}, {"x": [', b']}, {"email": "b"}]', "the end"),
        (b"email,name\na,b\n", b"\nc,d\n", "the end"),
    ],
    ids=["a line", "a string of a list", "an item of a list", "a line of a table"],
)
def test_one_row_of_300_megabytes(tmp_path: Path, before: bytes, after: bytes, end: str) -> None:
    path = tmp_path / "export"
    with path.open("wb") as file:
        file.write(before)
        for _ in range(300):
            file.write(b"1, " * 333_333)
        file.write(b"1" + after)

    assert read_in_a_process(path) == (2, end)
