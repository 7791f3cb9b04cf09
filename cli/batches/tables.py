"""Batches and rows as text for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.submission.error_tally import message_of, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SUCCESSES: Final = frozenset({"created", "repeated", "valid"})
"""The outcomes that are no failure."""

LIST_HEADER: Final = (
    f"{'ID':22}  {'ACCEPTED (UTC)':19}  {'STATUS':8}  {'ROWS':>11}  {'FINISHED':>11}  {'FAILED':>11}  NAME"
)
"""What stands above the lines of batches."""

ROWS_HEADER: Final = f"{'LINE':>11}  {'OUTCOME':22}  CUSTOMER OR REASON"
"""What stands above the lines of rows."""


def batch_line(batch: Mapping[str, Any]) -> str:
    """One batch of a list."""
    return (
        f"{batch['id']:22}  {_time(batch['acceptedAt']):19}  {batch['status']:8}  {batch['rows']:11,}"
        f"  {batch['finished']:11,}  {failed_rows(batch):11,}  {batch['name']}"
    )


def batch_lines(batch: Mapping[str, Any]) -> Iterator[str]:
    """Yield all that is known of one batch, one fact a line."""
    rows, finished = batch["rows"], batch["finished"]
    yield _fact("id", batch["id"])
    yield _fact("name", batch["name"])
    yield _fact("mode", batch["mode"])
    yield _fact("status", batch["status"])
    upload = "" if batch["complete"] else "  (the upload has not ended, or broke off)"
    yield _fact("rows", f"{rows:,}{upload}")
    yield _fact("finished", f"{finished:,}{f'  ({100 * finished // rows} %)' if rows else ''}")
    for outcome, count in sorted(batch["outcomes"].items(), key=lambda each: -each[1]):
        yield _fact(f"  {outcome}", f"{count:,}")
    yield _fact("accepted", f"{_time(batch['acceptedAt'])} UTC")
    if batch["finishedAt"]:
        yield _fact("ended", f"{_time(batch['finishedAt'])} UTC")
    if batch["expiresAt"]:
        yield _fact("kept until", f"{_time(batch['expiresAt'])} UTC")
    if batch["rowsPerSecond"] is not None:
        yield _fact("speed", f"{batch['rowsPerSecond']:,.0f} rows a second")
    if batch["secondsLeft"]:
        yield _fact("time left", f"{batch['secondsLeft']:,.0f} seconds")


def row_line(row: Mapping[str, Any]) -> str:
    """One row with its outcome. Nothing of the customer is shown but the id."""
    if row["ok"]:
        outcome = "valid" if "valid" in row else "repeated" if "repeated" in row else "created"
        detail = str(row.get("customer", {}).get("id", ""))
    else:
        outcome, detail = str(row["error"]), message_of(dict(row)) or reason_of(dict(row))
    return f"{row['row']:11,}  {outcome:22}  {detail}".rstrip()


def failed_rows(batch: Mapping[str, Any]) -> int:
    """How many rows have another outcome than a success."""
    return sum(count for outcome, count in batch["outcomes"].items() if outcome not in _SUCCESSES)


def _fact(name: str, value: str) -> str:
    return f"{name:26}{value}"


def _time(text: str | None) -> str:
    """The service's time of the form `2026-01-31T12:00:00.000Z`, to the second."""
    return (text or "")[:19].replace("T", " ")
