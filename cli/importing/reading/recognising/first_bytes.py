"""Recognises files that are not text in UTF-8, by first bytes, NULs, control characters or encoding."""

from __future__ import annotations

import codecs
import re
from typing import Final

from cli.importing.reading.recognising.wrong_form import WrongForm

_UNPACK: Final = "Unpack it first"
"""The beginning of a sentence on what to do."""

_EXPORT: Final = "Export its rows as CSV, or as text with one JSON object a line."
"""What to do with a file of another program."""

_ZIP: Final = b"PK\x03\x04"
"""The first bytes of a zip archive; spreadsheets are such archives too."""

_FIRST_BYTES: Final = (
    # Gzip itself is unpacked; see recognise.py.
    (b"\x1f\x8b", "compressed (gzip) twice", f"{_UNPACK}: gunzip -c FILE > signups.gz"),
    (b"BZh", "compressed (bzip2)", f"{_UNPACK}: bunzip2 -c FILE > signups.jsonl"),
    (b"\xfd7zXZ\x00", "compressed (xz)", f"{_UNPACK}: unxz -c FILE > signups.jsonl"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)", f"{_UNPACK}: unzstd -c FILE > signups.jsonl"),
    (b"\x04\x22\x4d\x18", "compressed (lz4)", f"{_UNPACK}: unlz4 -c FILE > signups.jsonl"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", f"{_UNPACK}."),
    (b"Rar!\x1a\x07", "a RAR archive", f"{_UNPACK}."),
    (_ZIP, "a zip archive", f"{_UNPACK}: unzip -p FILE > signups.jsonl"),
    (b"PK\x05\x06", "an empty zip archive", "Give the file of the signups."),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook", _EXPORT),
    (b"SQLite format 3\x00", "an SQLite database", _EXPORT),
    (b"PAR1", "a Parquet file", _EXPORT),
    (b"Obj\x01", "an Avro file", _EXPORT),
    (b"%PDF-", "a PDF", _EXPORT),
)
"""First bytes of known files, with what such a file is and what to do."""

_WORKBOOK_PARTS: Final = (b"[Content_Types].xml", b"xl/workbook", b"mimetypeapplication/vnd.oasis")
"""Names of files that make a zip archive a spreadsheet."""

_MARKS: Final = (
    # UTF-32's little-endian mark begins with UTF-16's.
    (b"\xff\xfe\x00\x00", "UTF-32LE"),
    (b"\x00\x00\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
)
"""Byte order marks of other encodings than UTF-8."""

_WITHOUT_MARK: Final = (
    # Which of each four bytes are 0 where the text is mostly ASCII.
    ("UTF-32LE", (False, True, True, True)),
    ("UTF-32BE", (True, True, True, False)),
    ("UTF-16LE", (False, True, False, True)),
    ("UTF-16BE", (True, False, True, False)),
)
"""Encodings that are recognised without a mark, by where their zeros are."""

_MOSTLY: Final = 0.3
"""The share of zeros at a place that proves an encoding. Not all text is ASCII, but JSON's own signs are."""
_HARDLY: Final = 0.01
"""The share of zeros at any other place that is still borne with."""
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
"""Characters that no text has. A few of them may still come from a damaged row."""


def binary_form(head: bytes) -> WrongForm | None:
    """What a file is by its first bytes, where it is the file of another program; None where it may be text."""
    if head.startswith(_ZIP) and any(part in head for part in _WORKBOOK_PARTS):
        return WrongForm("a spreadsheet", _EXPORT)
    return next((WrongForm(what, to_do) for first, what, to_do in _FIRST_BYTES if head.startswith(first)), None)


def encoding_of(head: bytes) -> str | WrongForm:
    """The encoding of a text, by Python's name: UTF-8 or UTF-16. Something else is refused."""
    encoding = _encoding_by_mark(head) or _encoding_by_zeros(head)
    if encoding is not None and encoding.startswith("UTF-16"):
        return codecs.lookup(encoding).name
    if encoding is not None:
        to_do = f"Convert it: iconv -f {encoding} -t UTF-8 FILE > signups.jsonl"
        return WrongForm(f"{encoding}, not UTF-8", to_do)
    if len(_CONTROL.findall(head)) > _HARDLY * len(head):
        return WrongForm("binary, no text", _EXPORT)
    return "utf-8"


def byte_order(head: bytes, encoding: str) -> str:
    """How UTF-16 or UTF-32 orders the bytes of a text: `le` or `be`."""
    found = _encoding_by_mark(head) or _encoding_by_zeros(head) or ""
    return "be" if found == f"{encoding.upper()}BE" else "le"


def foreign_encoding(lines: list[tuple[int, bytes]], *, cut: bool, encoding: str) -> WrongForm | None:
    """Whether the text is in another encoding than the one that it was read in; None where it is not.

    A few damaged rows do not make a file one: the service refuses them one by one.

    Args:
        lines: the first lines, each with its number.
        cut: whether the last of them is incomplete.
        encoding: what it was read in.
    """
    encoded, broken = 0, []
    for index, (number, line) in enumerate(lines):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            encoded += 1
        except UnicodeDecodeError as error:
            if not (cut and index == len(lines) - 1 and error.reason == "unexpected end of data"):
                broken.append(number)
    if len(broken) <= encoded:
        return None
    return WrongForm(
        f"no {encoding.upper()}: line {broken[0]:,} is the first that is not",
        "Say which encoding it has, such as --encoding windows-1252.",
    )


def _encoding_by_mark(head: bytes) -> str | None:
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def _encoding_by_zeros(head: bytes) -> str | None:
    if 0 not in head:
        return None
    shares = [head[place::4].count(0) / max(1, len(head[place::4])) for place in range(4)]
    for name, zeros in _WITHOUT_MARK:
        if all(share >= _MOSTLY if zero else share <= _HARDLY for share, zero in zip(shares, zeros, strict=True)):
            return name
    return None
