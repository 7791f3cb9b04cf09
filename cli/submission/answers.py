"""What an answer of the shim means for a row: final, refused, or worth another call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cli.submission.intake_client import Answer

OK: Final = 200
"""The answer is the outcome."""

ACCEPTED: Final = 202
"""The task has been accepted, and there is no outcome yet."""

_UNAUTHORIZED: Final = 401
"""The token is refused."""

_FORBIDDEN: Final = 403
"""The token may not create customers."""

_NOT_FOUND: Final = 404
"""There is no such task, or none any more."""

_INTERNAL_ERROR: Final = 500
"""The task is a dead letter, where the answer names it."""

_ROW_REFUSED: Final = frozenset({400, 413, 415, 422, 431})
"""The request itself is wrong, and would be wrong again."""

_TRY_AGAIN: Final = frozenset({408, 425, 429, *range(500, 600)})
"""The same call may succeed later."""


class RefusedError(Exception):
    """The service takes no row of this run: the token or the URL is wrong."""


def is_final(answer: Answer) -> bool:
    """Whether the shim took the request: it says that it accepted the task, or what came of it."""
    return answer.status in {OK, ACCEPTED} and bool(answer.document)


def refuses_row(answer: Answer) -> bool:
    """Whether the shim refused this row as a request, so that no repeat can help."""
    return answer.status in _ROW_REFUSED and bool(answer.document)


def has_no_result(answer: Answer) -> bool:
    """Whether an accepted task will never have a result: it has expired, or the task is a dead letter.

    Such an answer names its task under `data`. A fault of the shim itself does not.
    """
    return answer.status in {_NOT_FOUND, _INTERNAL_ERROR} and "data" in answer.document


def check_worth_repeating(answer: Answer) -> None:
    """Return where another call may get a better answer.

    Raises:
        RefusedError: none will, for this row or any other.
    """
    if answer.status in {_UNAUTHORIZED, _FORBIDDEN}:
        raise RefusedError(f"the service refuses the token: {answer.error} ({answer.status})")
    if answer.status not in _TRY_AGAIN:
        raise RefusedError(f"this is not how the service answers (HTTP {answer.status}): is the URL right?")
