"""The id of a request: the one that the caller sent, if it can be repeated, or a new one."""

from __future__ import annotations

import itertools
import re
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import Scope

_MAXIMUM_CHARACTERS: Final = 128
"""How many characters a caller's id may have."""

# Clients choose the text that this pattern reads. It gives no character back.
VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]++")
"""The characters that an id may have which a client chooses."""

_PROCESS: Final = secrets.token_hex(8)
"""The beginning of every request id that this process makes."""
_numbers: Final = itertools.count(secrets.randbits(32))
"""The numbers that end these ids. The first one is random."""


def request_id_of(scope: Scope) -> str:
    """The caller's `x-request-id` if the answer may repeat it, else a new id."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return caller_request_id(value.decode("latin-1")) or _new_request_id()
    return _new_request_id()


def caller_request_id(value: str) -> str | None:
    """The caller's `x-request-id` if the answer may repeat it: 1 to 128 visible ASCII characters. Otherwise None."""
    if len(value) > _MAXIMUM_CHARACTERS or VISIBLE_ASCII.fullmatch(value) is None:
        return None
    return value


def _new_request_id() -> str:
    """A new request id, unique across processes: a random part of this process and a running number."""
    return f"{_PROCESS}{next(_numbers):016x}"
