"""Reads a document's fenced blocks as files and as commands with what they print, and runs the commands.

A block whose first line is ` ```csv customers.csv ` is a file. In a ` ```console ` block a line that begins with `$ `
is a command, a backslash at its end continues it, and the lines below are what it prints. There `…` stands for any text
within a line, and a line that is `…` for any lines.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FENCED: Final = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
"""A block. None is indented."""
_LEFT_OUT: Final = "…"
"""What a document writes where the text differs from run to run, or is of no interest."""
_SECONDS: Final = 60
"""More than any command of a document takes."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that the reader is to have."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command as a person types it, and what it prints."""

    text: str
    printed: str


def blocks(text: str) -> Iterator[File | Command]:
    """The files and commands of this text, in their order. Other blocks are left out."""
    for block in _FENCED.finditer(text):
        language, _, name = block["info"].partition(" ")
        if name:
            yield File(name, block["text"])
        elif language == "console":
            yield from _commands(block["text"])


def run(command: Command, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command. All that it prints is in `stdout`."""
    return subprocess.run(
        ["/bin/sh", "-c", command.text],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def is_as_told(told: str, printed: str) -> bool:
    """Whether a command printed what the document says."""
    pattern = "".join(_pattern(line) for line in told.splitlines())
    return re.fullmatch(pattern, printed) is not None


def _commands(text: str) -> Iterator[Command]:
    for each in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = each.splitlines(keepends=True)
        last = next(place for place, line in enumerate(lines) if not line.endswith("\\\n"))
        yield Command("".join(lines[: last + 1]).strip(), "".join(lines[last + 1 :]))


def _pattern(line: str) -> str:
    if line == _LEFT_OUT:
        return r"(?:[^\n]*\n)*?"
    return r"[^\n]*?".join(map(re.escape, line.split(_LEFT_OUT))) + r"\n"
