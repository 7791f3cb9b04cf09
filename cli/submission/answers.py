"""What an answer of the shim means for a batch: taken, refused, or worth another call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cli.submission.intake_client import Answer

_TAKEN: Final = frozenset({200, 202})
"""All rows are accepted."""

_TOKEN_REFUSED: Final = frozenset({401, 403})
"""The token is no good, or may not create customers."""

_BODY_REFUSED: Final = frozenset({400, 413})
"""The body cannot be read from some line on, or is too large. The rows before are accepted."""

_TRY_AGAIN: Final = frozenset({408, 425, 429, *range(500, 600)})
"""The same call may succeed later."""


class RefusedError(Exception):
    """The service takes no row of this run: the token or the URL is wrong."""


def is_taken(answer: Answer) -> bool:
    """Whether all rows are accepted."""
    return answer.status in _TAKEN and bool(answer.batch)


def refuses_body(answer: Answer) -> bool:
    """Whether the body can never be taken as it is. Rows at its beginning may be accepted."""
    return answer.status in _BODY_REFUSED and bool(answer.document)


def check_worth_repeating(answer: Answer) -> None:
    """Return where another call may get a better answer.

    Raises:
        RefusedError: none will.
    """
    if answer.status in _TOKEN_REFUSED:
        raise RefusedError(f"the service refuses the token: {answer.error} ({answer.status})")
    if answer.status not in _TRY_AGAIN:
        raise RefusedError(f"this is not how the service answers (HTTP {answer.status}): is the URL right?")
