"""Loads the Lua files of the protocol, which are package data beside this module.

A file starts with its `#!lua` line and its comments. Then come its named locals, one line for each of its KEYS and ARGV
in their order: `local record_key = KEYS[1]`, `local grace = tonumber(ARGV[2])`. Nothing below says KEYS or ARGV.
A script that takes any number of arguments after the named ones says so with a line `--- @tail NAME`, and only such a
script reads `ARGV[place]` below. An argument that is called `latest` is the deadline, and the last one.

A line `--- @include "name"` stands for the text of `includes/name.lua`. An include may include others. What was
included once is not included again. `lua_rights` puts a guard at the beginning of each script that writes.
"""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from typing import Final

from schemas.protocol.call import DEADLINE, ProtocolError, Script
from schemas.protocol.lua_rights import guarded

_FOLDER: Final = files("schemas.protocol") / "lua"
"""Where the scripts are."""
_INCLUDE: Final = re.compile(r'--- @include "(\w++)"')
"""A line that stands for the text of an include."""
_TAIL: Final = re.compile(r"--- @tail (\w++)")
"""A line that says that any number of arguments follow the named ones."""
_NAMED: Final = re.compile(r"local (\w++) = (tonumber\()?+(KEYS|ARGV)\[(\d++)\](?(2)\))")
"""A line that gives one of KEYS or ARGV its name."""
_OF_TAIL: Final = re.compile(r"#ARGV\b|\bARGV\[[a-z]")
"""How a script with a tail reads it."""
_UNNAMED: Final = re.compile(r"\b(?:KEYS|ARGV)\b")
"""A use of KEYS or ARGV, which only a named local may have."""


def load_script(name: str) -> Script:
    """The script in the file of that name.

    Raises:
        ProtocolError: the file does not have the form that this module describes.
    """
    source = (_FOLDER / f"{name}.lua").read_text("utf-8")
    lines = _lines(source, included=set())
    tails = [match[1] for line in lines if (match := _TAIL.fullmatch(line))]
    numbered: dict[str, list[str]] = {"KEYS": [], "ARGV": []}
    in_header = True
    for line in lines:
        code = "" if line.startswith("#!") else line.partition("--")[0].rstrip()
        named = _NAMED.fullmatch(code)
        if named is not None and in_header:
            local, _, table, number = named.groups()
            numbered[table].append(local)
            if int(number) != len(numbered[table]):
                raise ProtocolError(f"{name}.lua names {table}[{number}] out of its order")
        elif code:
            in_header = False
            if _UNNAMED.search(_OF_TAIL.sub("", code) if tails else code):
                raise ProtocolError(f"{name}.lua says KEYS or ARGV below its named locals: {code.strip()}")
    arguments = numbered["ARGV"]
    has_deadline = DEADLINE in arguments
    if has_deadline and (arguments.pop() != DEADLINE or tails):
        raise ProtocolError(f"{name}.lua has arguments after its deadline")
    text = guarded("\n".join(lines) + "\n")
    return Script(
        name,
        text,
        # SHA-1 is what Redis names scripts by. It keeps nothing safe.
        hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
        keys=tuple(numbered["KEYS"]),
        arguments=tuple(arguments),
        has_tail=bool(tails),
        has_deadline=has_deadline,
    )


def script_names() -> list[str]:
    """The name of each script that there is a file of."""
    return sorted(each.name.removesuffix(".lua") for each in _FOLDER.iterdir() if each.name.endswith(".lua"))


def _lines(source: str, *, included: set[str]) -> list[str]:
    lines: list[str] = []
    for line in source.splitlines():
        include = _INCLUDE.fullmatch(line)
        if include is None:
            lines.append(line)
        elif include[1] not in included:
            included.add(include[1])
            lines += _lines((_FOLDER / "includes" / f"{include[1]}.lua").read_text("utf-8"), included=included)
    return lines
