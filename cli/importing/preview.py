"""Shows how the first rows of a file are read, without anything secret."""

from __future__ import annotations

import json
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final

from cli.importing.mapping.fields import SECRET_FIELDS
from cli.importing.mapping.secret_columns import sounding_secret, without_secrets
from cli.importing.reading.errors import BrokenInputError
from cli.importing.reading.json_values import JsonFaultError, parse_object
from cli.importing.records import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.importing.plan import ImportPlan
    from cli.importing.records import ImportRow

NOT_SHOWN: Final = "(not shown)"
"""What stands in place of a password, a hash, and whatever else may be one."""


def preview(plan: ImportPlan, content: IO[bytes], count: int) -> Iterator[str]:
    """Yield one line of JSON for each of the first rows: the customer, or the faults.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        for row in islice(plan.rows(content), count):
            yield _line(row, plan.form.counts_by)
    except BrokenInputError as error:
        yield _json({plan.form.counts_by: error.number, "faults": [{"column": "", "message": error.message}]})


def _line(row: ImportRow, counts_by: str) -> str:
    faults = row.faults
    customer: dict[str, Any] = {}
    if not faults:
        try:
            customer = parse_object(row.body.decode("utf-8"))
        except UnicodeDecodeError:
            faults = (Fault("", "it is no text in UTF-8"),)
        except JsonFaultError as error:
            faults = (Fault("", str(error)),)
    shown: dict[str, Any] = {counts_by: row.number}
    if faults:
        shown["faults"] = [{"column": fault.where, "message": fault.message} for fault in faults]
    else:
        shown["customer"] = _without_secrets(customer)
    if row.warnings:
        shown["warnings"] = list(row.warnings)
    return _json(shown)


def _without_secrets(values: dict[str, Any]) -> dict[str, Any]:
    hidden = SECRET_FIELDS | sounding_secret(values)
    return {
        name: NOT_SHOWN if name in hidden else without_secrets(value, frozenset(), frozenset())
        for name, value in values.items()
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
