"""Asks the service for batches, and tells a person why it does not answer as it should."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from cli.submission.answers import RefusedError, check_worth_repeating
from cli.submission.batch_name import batch_name
from cli.submission.intake_client import Answer, NoAnswerError
from schemas.ids import is_task_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cli.submission.intake_client import IntakeClient

_SERVED: Final = frozenset({200, 202})
"""The statuses of an answer that tells of batches."""

_MOST_ROWS: Final = 1_000_000
"""How many rows the service tells in one call that does not follow."""

_MOST_TRIES: Final = 8
"""How often a call for rows is made again while no row comes."""

_FIRST_PAUSE_SECONDS: Final = 0.25
"""The pause before the second of these tries. Each further pause is twice as long."""


class NothingDoneError(click.ClickException):
    """The command could do nothing. The text says why."""

    exit_code = 2


class RowsBrokeOffError(click.ClickException):
    """Some rows were told, and the rest cannot be read. The text says why."""

    exit_code = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rows of a batch are asked for."""

    after: int
    """Rows of this line and of lines before it are left out."""
    limit: int | None
    """How many rows at most. None: all."""
    only_failed: bool
    follow: bool
    """Whether to wait for the rows that have no outcome yet."""


def batches_of_caller(client: IntakeClient) -> list[dict[str, Any]]:
    """The caller's batches, the newest first.

    Raises:
        NothingDoneError: the service does not tell them.
    """
    answer = _asked(client.list)
    return list(answer.document.get("batches", ())) if answer else []


def find_batch(client: IntakeClient, batch: str) -> dict[str, Any]:
    """The batch that a person means: its id, or the name of several batches, of which the newest is taken.

    Raises:
        NothingDoneError: there is no such batch, or the service does not answer.
    """
    if is_task_id(batch) and (answer := _asked(lambda: client.result(batch))):
        return answer.batch
    # `submit` gives the service a name in visible ASCII.
    names = {batch, batch_name(batch, given=False)}
    for each in batches_of_caller(client):
        if each["name"] in names:
            return each
    raise NothingDoneError(f"you have no batch with the id or name {batch}")


def cancel_batch(client: IntakeClient, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Cancel the rows that nobody has started on; the batch after that.

    Raises:
        NothingDoneError: the service did not confirm it.
    """
    answer = _asked(lambda: client.cancel(batch["id"]))
    if answer is None:
        raise NothingDoneError("the service does not know the batch any more")
    return answer.batch


def rows_of(client: IntakeClient, batch_id: str, selection: Selection) -> Iterator[dict[str, Any]]:
    """Yield rows in the order of lines. Where the connection is lost, go on after the last row.

    Raises:
        NothingDoneError: not even the first row can be read.
        RowsBrokeOffError: some rows were yielded, and the next ones cannot be read.
    """
    after, told, tries = selection.after, 0, 0
    while selection.limit is None or told < selection.limit:
        left = None if selection.limit is None else selection.limit - told
        most = left if selection.follow else min(left or _MOST_ROWS, _MOST_ROWS)
        told_before = told
        trouble = ""
        try:
            for row in client.rows(
                batch_id, after=after, limit=most, only_failed=selection.only_failed, follow=selection.follow
            ):
                if isinstance(row, Answer):
                    trouble = _trouble(row)
                    break
                after, told, tries = int(row["row"]), told + 1, 0
                yield row
        except NoAnswerError as error:
            trouble = f"the service does not answer ({error})"
        except RefusedError as error:
            raise _no_more_rows(str(error), told) from None
        if not trouble and (selection.follow or told - told_before < _MOST_ROWS):
            return
        if trouble:
            tries += 1
            if tries == _MOST_TRIES:
                raise _no_more_rows(trouble, told)
            time.sleep(_FIRST_PAUSE_SECONDS * 2 ** (tries - 1))


def _no_more_rows(trouble: str, told: int) -> click.ClickException:
    return RowsBrokeOffError(f"{trouble}, after {told:,} rows") if told else NothingDoneError(trouble)


def _trouble(answer: Answer) -> str:
    """Why the same call may succeed later.

    Raises:
        RefusedError: it will not.
    """
    if answer.error == "task_not_found":
        raise RefusedError("the service does not know the batch any more")
    check_worth_repeating(answer)
    return f"the service cannot answer now ({answer.error})"


def _asked(call: Callable[[], Answer]) -> Answer | None:
    """The answer to a call about batches. None: there is no such batch.

    Raises:
        NothingDoneError: the service does not answer, or refuses.
    """
    try:
        answer = call()
        if answer.status in _SERVED and answer.document.get("ok") is True:
            return answer
        if answer.error == "task_not_found":
            return None
        trouble = _trouble(answer)
    except NoAnswerError as error:
        trouble = f"the service does not answer ({error})"
    except RefusedError as error:
        trouble = str(error)
    raise NothingDoneError(trouble)
