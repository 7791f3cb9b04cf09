"""The step that lets a link to the console log in once, whichever console it comes to."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from schemas.protocol.keys import link_key
from schemas.protocol.lua_files import load_script

if TYPE_CHECKING:
    from schemas.protocol.call import Call, Script

_USE_LINK: Final[Script] = load_script("use_link")
"""The step that marks a link as used."""


def use_link(link: str, *, kept_seconds: float, user: str = "") -> Call[bool]:
    """Mark a link as used. The reply says whether it may log in: nobody used it before.

    Args:
        link: the random text in the link's token. Redis gets no more than its hash.
        kept_seconds: how long it is remembered. It must be no good by then.
        user: names this one use; by default a new random text. The same call may be sent twice.
    """
    return _USE_LINK.call(
        bool,
        keys={"link": link_key(hashlib.sha256(link.encode("utf-8", "surrogatepass")).hexdigest())},
        arguments={"user": user or secrets.token_urlsafe(16), "kept_milliseconds": max(1, int(1000 * kept_seconds))},
    )
