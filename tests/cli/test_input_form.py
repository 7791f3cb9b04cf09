"""`customer-intake submit` recognises the form of its input, or refuses the whole of it before anything is sent."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import json
import lzma
import random
import zipfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from cli.importing.options import ImportOptions
from cli.importing.reading.errors import WrongInputError
from cli.importing.reading.input_file import InputFile
from cli.importing.reading.input_form import InputForm
from cli.importing.reading.recognise import form_of, recognise
from cli.importing.reading.streams.transcoded import UTF_8_MARK
from cli.importing.records import Form
from cli.main import main
from tests.cli.submission import SECONDS, end, end_of_bytes, feed, lines_of, start
from tests.contract.service import Service, an_email
from tests.support.requests import CANARY, a_full_request, a_request
from tests.support.tokens import token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Starter

ROWS: Final = [a_request(email=f"someone{number}@example.com", firstName="Zoë") for number in range(30)]
LINES: Final = lines_of(ROWS)


def _zip(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


WRONG: Final[dict[str, tuple[bytes, str]]] = {
    "UTF-32 with mark": (LINES.encode("utf-32"), "UTF-32"),
    "UTF-32LE": (LINES.encode("utf-32-le"), "UTF-32LE"),
    "UTF-32BE": (LINES.encode("utf-32-be"), "UTF-32BE"),
    "Latin-1": (json.dumps(ROWS[0], ensure_ascii=False).encode("latin-1") + b"\n", "no UTF-8: line 1"),
    "Latin-1 from its second row on": (
        lines_of(ROWS[:1]).encode() + json.dumps(a_request(firstName="Zoë"), ensure_ascii=False).encode("latin-1"),
        "no UTF-8: line 2",
    ),
    "gzip in gzip": (gzip.compress(gzip.compress(LINES.encode())), "gunzip"),
    "bzip2": (bz2.compress(LINES.encode()), "bunzip2"),
    "xz": (lzma.compress(LINES.encode()), "unxz"),
    "zip": (_zip("signups.jsonl", LINES.encode()), "zip archive"),
    "a workbook": (_zip("xl/workbook.xml", b"<workbook/>"), "spreadsheet"),
    "binary": (random.Random(1).randbytes(5000), "binary"),
    "zeros": (bytes(100), "binary"),
    "an object over many lines": (json.dumps(ROWS[0], indent=4).encode(), "over several lines"),
    "an object with addresses over many lines": (
        json.dumps(a_full_request(), indent=4).encode(),
        "over several lines",
    ),
    "objects over many lines": (
        "".join(json.dumps(row, indent=1) + "\n" for row in ROWS).encode(),
        "over several lines",
    ),
    "objects without line ends": (LINES.replace("\n", "").encode(), "several objects in one line"),
    "objects with carriage returns only": (LINES.replace("\n", "\r").encode(), "several objects in one line"),
    "objects with commas": (LINES.replace("\n", ",\n").encode(), "something follows the first object"),
    "nothing": (b"", "empty"),
    "blank lines": (b"\n \r\n\t\n", "empty"),
    "a mark and nothing": (b"\xef\xbb\xbf\n", "empty"),
    "a page": (b"<!DOCTYPE html>\n<html><body>Sign in, please</body></html>\n", "HTML"),
    "a page's error": (b"\n<?xml version='1.0'?>\n<Error/>\n", "XML"),
    "no JSON": (b"{'email': 'a@example.com'}\n{'email': 'b@example.com'}\n", "no JSON"),
    "prose": (b"Dear colleague,\nhere they are\n", "no JSON lines"),
    "objects of another kind": (lines_of([{"level": "info", "event": "x"}] * 20).encode(), "no file of signups"),
    "one nested without end": (b'{"a":' * 100_000 + b"\n", "JSON"),
}


@pytest.fixture(scope="module")
def shim(module_env: Environment, start_module_shim: Starter) -> Iterator[Service]:
    """A shim that never hears of any of these files."""
    running = Service(start_module_shim(module_env))
    with closing(running.http):
        yield running


@pytest.fixture
def untouched(shim: Service, tmp_path: Path) -> Iterator[Path]:
    """The results of an earlier run, which are there still afterwards; and the shim has not been called."""
    results = tmp_path / "results.jsonl"
    results.write_text("of yesterday\n")
    yield results
    assert results.read_text() == "of yesterday\n"
    assert shim.tasks() == 0
    assert "customer.create" not in shim.http.get(f"{shim.shim.url}/metrics").text


@pytest.mark.parametrize("form", WRONG)
def test_a_wrong_file_is_refused_before_anything_is_sent(
    shim: Service, tmp_path: Path, untouched: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    content, words = WRONG[form]
    path = tmp_path / "signups.jsonl"
    path.write_bytes(content)
    monkeypatch.setenv("INTAKE_TOKEN", token(shim.environment))

    ended = CliRunner().invoke(
        main, ["submit", "--lines", str(path), "--results", str(untouched), "--url", shim.shim.url]
    )

    assert ended.exit_code == 2, ended.output
    (told,) = ended.stderr.splitlines()
    assert told.startswith(f"{path}: this is ")
    assert words in told
    assert CANARY not in ended.output


@pytest.mark.parametrize("form", ["UTF-32LE", "gzip in gzip", "objects over many lines", "nothing", "zeros"])
def test_a_wrong_stream_is_refused_before_anything_is_sent(shim: Service, untouched: Path, form: str) -> None:
    content, words = WRONG[form]
    arguments = ["--lines", "-", "--batch", an_email(), "--results", str(untouched)]

    ended = end_of_bytes(shim.environment, *arguments, stdin=content)

    assert ended.code == 2
    assert ended.stderr.startswith("stdin: this is ")
    assert words in ended.stderr


def test_a_stream_is_refused_by_its_first_line_while_it_is_open(shim: Service, untouched: Path) -> None:
    process = start(shim.environment, "--lines", "-", "--batch", an_email(), "--results", str(untouched))
    feed(process, "<html>\n")
    process.wait(SECONDS)

    assert end(process).code == 2


def test_what_is_no_file_is_told(shim: Service, tmp_path: Path, untouched: Path) -> None:
    for path, words in ((tmp_path, "a directory"), (tmp_path / "none", "nothing has this name")):
        ended = end(start(shim.environment, "--lines", str(path), "--batch", "b", "--results", str(untouched)))

        assert (ended.code, words in ended.stderr) == (2, True), ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Whoever runs the tests as root may read everything.
    monkeypatch.setattr(Path, "open", refuse)

    with pytest.raises(WrongInputError, match="may not be read"):
        InputFile(tmp_path / "signups.jsonl")


RIGHT: Final[dict[str, bytes]] = {
    "lines": LINES.encode(),
    "a byte order mark": b"\xef\xbb\xbf" + LINES.encode(),
    "one row without a line end": LINES.partition("\n")[0].encode(),
    "line ends of Windows": LINES.replace("\n", "\r\n").encode(),
    "text in UTF-8": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode(),
    "one damaged row": json.dumps(ROWS[0], ensure_ascii=False).encode() + b"\n\xff\xfe\n" + LINES.encode(),
    "garbage before and between": b"garbage\n[]\n" + LINES.encode() + b"\x00\n" + LINES.encode(),
    "a row longer than what is looked at": lines_of([a_request(lastName="x" * 2_000_000)]).encode(),
    "a list longer than what is looked at": lines_of([{"addresses": [{"name": "x" * 2_000_000}]}]).encode(),
    "more rows than are looked at": LINES.encode() * 500,
    "an integer that is long to read": lines_of([a_request()]).encode().replace(b'"John"', b"9" * 500_000),
    "a broken string in its first row": b'{"email": "a@exam\n' + LINES.encode(),
}


@pytest.mark.parametrize("form", RIGHT)
def test_damaged_rows_make_no_wrong_file(form: str) -> None:
    content = RIGHT[form]

    recognised = form_of(content[: 1 << 20].removeprefix(UTF_8_MARK), ImportOptions(), complete=len(content) <= 1 << 20)

    assert recognised == InputForm(kind=Form.JSON_LINES)


@pytest.mark.parametrize("pieces", [1, 2, pytest.param(7, marks=pytest.mark.slow)])
def test_a_file_is_read_from_its_first_row_to_its_last(tmp_path: Path, pieces: int) -> None:
    path = tmp_path / "signups.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + LINES.encode() * 300 * pieces)

    with InputFile(path) as source:
        recognise(source, ImportOptions())
        read = source.content().read()
        with source.content() as content:
            again = content.read()

    assert read == again == LINES.encode() * 300 * pieces
