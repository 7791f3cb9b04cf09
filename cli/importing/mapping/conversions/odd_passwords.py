"""Clear passwords that look like hashes: somebody may have meant the other field."""

from __future__ import annotations

import re
from typing import Any, Final

from schemas.password_hashes.parsing import parse_password_hash
from schemas.password_hashes.refusals import TOO_LONG, UNKNOWN, PasswordHashError

LOOKS_LIKE_HASH: Final = "a password looks like a hash: did you mean passwordHash?"
"""The warning. The row is sent all the same: nobody forbids such a password."""

_LEAST_CHARACTERS: Final = 30
"""Of what is looked at. Every hash has more, and hardly any password that a person thought of."""

_MOST_CHARACTERS: Final = 1_024
"""Of a password that the service takes."""
_IN_JSON: Final = re.compile(rb'"password"\s{0,8}+:\s{0,8}+"([^"\\]{%d,%d})"' % (_LEAST_CHARACTERS, _MOST_CHARACTERS))
"""A long password in a line of JSON."""


def looks_like_hash(password: Any) -> bool:
    """Whether a clear password is written like a hash, of a kind that can be imported or not."""
    if not isinstance(password, str) or len(password) < _LEAST_CHARACTERS:
        return False
    try:
        parse_password_hash(password)
    except PasswordHashError as error:
        return str(error) not in {UNKNOWN, TOO_LONG}
    return True


class OddPasswords:
    """Finds clear passwords that look like hashes in JSON lines that are sent as they are, without parsing them.

    What stands across two pieces is not found: this is a warning, and needs one row of many.
    """

    def __init__(self) -> None:
        self.lines: list[int] = []
        """The numbers of their lines."""
        self._line = 1

    def look_at(self, piece: bytes) -> None:
        """Look through the next piece of the text."""
        for match in _IN_JSON.finditer(piece):
            if looks_like_hash(match[1].decode("utf-8", "replace")):
                self.lines.append(self._line + piece.count(b"\n", 0, match.start()))
        self._line += piece.count(b"\n")
