"""What tokens say to the console: scopes, and the claim of a link that works once."""

from __future__ import annotations

from typing import Final

READ_SCOPE: Final = "intake:read"
"""Lets its bearer look at the console."""

OPERATE_SCOPE: Final = "intake:operate"
"""Lets its bearer look, and act: requeue, drop, cancel, pause."""

LINK_CLAIM: Final = "console_link"
"""The claim of a token that logs in once: a random text, by which the console knows it again."""
