"""Recognises what a file is, by its beginning, or refuses it as a whole."""

from __future__ import annotations

import codecs
from dataclasses import replace
from typing import TYPE_CHECKING

from cli.importing.reading.recognising.beginning import Beginning
from cli.importing.reading.recognising.first_bytes import binary_form, byte_order, encoding_of, foreign_encoding
from cli.importing.reading.recognising.json_text import is_begun, json_form
from cli.importing.reading.recognising.table_text import table_form
from cli.importing.reading.recognising.wrong_form import NAMES, ONE_A_LINE, WrongForm
from cli.importing.reading.streams.decoding import UTF_8, Coding
from cli.importing.reading.streams.gunzipped import MAGIC
from cli.importing.reading.table_lines import SEPARATOR_LINE
from cli.importing.records import Form

if TYPE_CHECKING:
    from cli.importing.options import ImportOptions
    from cli.importing.reading.input_file import InputFile
    from cli.importing.reading.input_form import InputForm


def recognise(source: InputFile, options: ImportOptions) -> InputForm:
    """Look at the beginning of a file, and tell the file how its content is read.

    Raises:
        WrongInputError: it is nothing that can be read as rows of customers.
    """
    coding = Coding()
    source.read_as(coding)
    first, complete = source.beginning(_has_line_or_mark)
    if first.startswith(MAGIC):
        coding = replace(coding, compressed=True)
        source.read_as(coding)
        first, complete = source.beginning(_has_line_or_mark)
    if (wrong := binary_form(first)) is not None:
        raise source.refused(wrong)
    encoding = _given_encoding(options.encoding, first) if options.encoding else encoding_of(first)
    if isinstance(encoding, WrongForm):
        raise source.refused(encoding)
    coding = replace(coding, encoding=encoding)
    source.read_as(coding)
    text, complete = source.beginning(_has_first_row)
    if b"\n" not in text and b"\r" in text and not text.lstrip().startswith((b"{", b"[")):
        source.read_as(replace(coding, carriage_returns=True))
        text, complete = source.beginning(_has_first_row)
    form = form_of(text, options, complete=complete, encoding=encoding)
    if isinstance(form, WrongForm):
        raise source.refused(form)
    return replace(form, compressed=coding.compressed, encoding=encoding)


def form_of(
    text: bytes, options: ImportOptions, *, complete: bool = True, encoding: str = UTF_8
) -> InputForm | WrongForm:
    """What a text is, or why it is refused.

    Args:
        text: its first bytes, in UTF-8.
        options: what a person says about it.
        complete: whether these are all its bytes.
        encoding: what the text was stored in.
    """
    beginning = Beginning.of(text, complete=complete)
    if not beginning.lines:
        return WrongForm("empty: it has no rows", "Give the file of the signups.")
    form = json_form(beginning, options)
    if form is None and beginning.texts[0].startswith("<"):
        markup = "HTML" if "html" in beginning.texts[0][:200].lower() else "XML or HTML"
        return WrongForm(markup, f"Was a page saved in place of the file? {ONE_A_LINE}.")
    form = form or table_form(beginning, options)
    if form is None:
        return WrongForm("no JSON lines: no line at its beginning is a JSON object", f"{ONE_A_LINE} {NAMES}.")
    if isinstance(form, WrongForm):
        return form
    lines = beginning.items if form.kind is Form.JSON_LIST else beginning.lines
    return foreign_encoding(lines, cut=not beginning.complete, encoding=encoding) or form


def _given_encoding(name: str, first: bytes) -> str | WrongForm:
    """Python's name for what --encoding gives, for a text with these first bytes."""
    try:
        encoding = codecs.lookup(name).name
        # Some codecs are no encodings of text.
        b"x".decode(encoding, "replace")
        codecs.getincrementaldecoder(encoding)
    except (LookupError, ValueError):
        return WrongForm("in an encoding that is not known", "Give another --encoding, such as windows-1252.")
    if encoding in {"utf-16", "utf-32"}:
        # Python would want a mark, which tells the order of bytes.
        return f"{encoding}-{byte_order(first, encoding)}"
    return UTF_8 if encoding in {"utf-8", "utf-8-sig", "ascii"} else encoding


def _has_line_or_mark(first: bytes) -> bool:
    return b"\n" in first.lstrip() or first.startswith(MAGIC)


def _has_first_row(text: bytes) -> bool:
    """Whether what came of a stream is enough to tell its form."""
    first, end, rest = text.lstrip().partition(b"\n")
    if not end or (SEPARATOR_LINE.fullmatch(first.decode("utf-8", errors="replace")) and b"\n" not in rest):
        return False
    # An object over several lines may hold a list, which must be looked for.
    return not (first.startswith(b"{") and is_begun(first.decode("utf-8", errors="replace").strip(), cut=False))
