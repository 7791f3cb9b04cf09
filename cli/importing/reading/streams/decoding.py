"""Puts together what lies between the bytes of a file and its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cli.importing.reading.streams.gunzipped import Gunzipped
from cli.importing.reading.streams.transcoded import Transcoded, Unmarked, WithLineFeeds

if TYPE_CHECKING:
    import io

UTF_8: Final = "utf-8"
"""The encoding that needs no decoding, by Python's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How a text is stored."""

    compressed: bool = False
    """Whether it is gzip."""
    encoding: str = ""
    """Of the text, by Python's name. Empty where the bytes are wanted as they are."""
    carriage_returns: bool = False
    """Whether lines end in a carriage return alone."""

    def decoded(self, stream: io.RawIOBase) -> io.RawIOBase:
        """The text in UTF-8, without a byte order mark, with line feeds. It comes as soon as its bytes do."""
        if self.compressed:
            stream = Gunzipped(stream)
        if self.encoding not in {"", UTF_8}:
            stream = Transcoded(stream, self.encoding)
        if self.encoding:
            stream = Unmarked(stream)
        return WithLineFeeds(stream) if self.carriage_returns else stream
