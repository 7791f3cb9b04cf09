"""What came of a whole run: a line for a person, or one JSON object for a program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cli.submission.row_results import RowResults


def in_one_line(results: RowResults) -> str:
    """All counts for a person."""
    codes = ", ".join(f"{count:,} {error}" for error, count in results.refused.most_common())
    parts = [
        f"{results.accepted:,} accepted",
        f"{results.valid:,} valid" if results.valid else f"{results.created:,} created",
        *([f"{results.corrected:,} of them corrected"] if results.corrected else []),
        *([f"{results.repeated:,} in before"] if results.repeated else []),
        *([f"{results.duplicates:,} of customers that others made"] if results.duplicates else []),
        f"{results.refused.total():,} refused{f' ({codes})' if codes else ''}",
        *([f"{results.not_sent:,} of them not sent"] if results.not_sent else []),
        *([f"{results.failed_again:,} of them not for the first time"] if results.failed_again else []),
        f"{results.without_outcome:,} without an outcome",
    ]
    return ", ".join(parts)


def as_json(results: RowResults, *, name: str, code: int, message: str) -> str:
    """All counts, and each error with its first rows, as one line of JSON.

    Args:
        results: of the run.
        name: the batch's.
        code: with which the command ends.
        message: why the run ended early; empty where it did not.
    """
    document: dict[str, Any] = {
        "batch": name,
        "rows": results.rows,
        "accepted": results.accepted,
        "created": results.created,
        "corrected": results.corrected,
        "repeated": results.repeated,
        "valid": results.valid,
        "duplicates_ignored": results.duplicates,
        "refused": dict(results.refused.most_common()),
        "not_sent": results.not_sent,
        "failed_again": results.failed_again,
        "without_outcome": results.without_outcome,
        "errors": results.error_kinds.documents(),
        "warnings": results.warning_kinds.documents(),
        "message": message,
        "exit_code": code,
    }
    return json.dumps(document)
