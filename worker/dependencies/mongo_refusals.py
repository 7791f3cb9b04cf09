"""What MongoDB's refusals mean for this worker, told from the driver's errors by `worker.dependencies.mongo_errors`.

Nothing of a driver's text is kept: it repeats values of documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from worker.dependencies.mongo_errors import (
    DUPLICATE_KEY_CODES,
    EMAIL_INDEX,
    INDEX_ADVICE,
    INDEX_CODES,
    MISCONFIGURED,
    OF_ONE_DOCUMENT,
    SERVER_ADVICE,
    TRANSIENT,
    UNAUTHORIZED_CODE,
    VALIDATION_CODE,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Kind(StrEnum):
    """What is done about a refusal."""

    TRANSIENT = "transient"
    """Waiting helps: the same call is repeated."""
    CONFLICT = "conflict"
    """A document with this id or this email exists. A read tells which."""
    PERMANENT = "permanent"
    """This customer cannot be stored as the database is set up. Its task becomes a dead letter; others go on."""
    MISCONFIGURED = "misconfigured"
    """No customer can be stored before an operator has mended something. The worker takes no tasks."""
    UNKNOWN = "unknown"
    """The error is in no table. The call is repeated a few times, then the task has failed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal, in words that an operator can act on. It has no value of a document."""

    kind: Kind
    code: str
    """MongoDB's name of the error, or the driver's."""
    concerns: str = ""
    """The index, the validator or the user's right that it is about."""
    advice: str = ""


_OUR_KEYS: Final = ({"_id"}, {"email_key"})
"""Fields of the unique indexes that are this service's own."""

_OUR_INDEXES: Final = ("_id_", EMAIL_INDEX)
"""Names of the same indexes."""

_INDEX_OF_TEXT: Final = re.compile(r" index: ([\w.\-$]{1,128}+) (?:collation: |dup key:)")
"""An index' name in the text of a duplicate key error: the one thing of it that no field of the answer has."""


def of_error(error: PyMongoError, *, doing: str, last_seen: Iterable[Exception | None] | None = None) -> Refusal:
    """Explain the answer to a whole command.

    Args:
        error: what the driver raised.
        doing: the right that the command takes: `find`, `insert` or `createIndex`.
        last_seen: for each known server of the replica set, why it cannot be used. None if nobody asked.
    """
    if isinstance(error, ServerSelectionTimeoutError):
        return _of_servers(last_seen)
    if isinstance(error, BulkWriteError):
        return _of_concerns(error.details.get("writeConcernErrors", []))
    if isinstance(error, ConfigurationError):
        return Refusal(Kind.MISCONFIGURED, type(error).__name__, advice=f"check INTAKE_MONGODB_URI; or {SERVER_ADVICE}")
    if isinstance(error, OperationFailure):
        return _of_code(error.code, doing=doing, repeatable=error.timeout or _is_labelled_repeatable(error))
    if isinstance(error, ConnectionFailure) or error.timeout:
        return Refusal(Kind.TRANSIENT, type(error).__name__)
    return Refusal(Kind.UNKNOWN, type(error).__name__)


def of_write_error(details: Mapping[str, Any]) -> Refusal:
    """Explain the refusal of one document of an insert."""
    code = details.get("code")
    if code in DUPLICATE_KEY_CODES:
        return _of_duplicate_key(details)
    if code == VALIDATION_CODE:
        return Refusal(Kind.PERMANENT, OF_ONE_DOCUMENT[VALIDATION_CODE], concerns="validator")
    if code in OF_ONE_DOCUMENT:
        return Refusal(Kind.PERMANENT, OF_ONE_DOCUMENT[code])
    return _of_code(code, doing="insert")


def _of_duplicate_key(details: Mapping[str, Any]) -> Refusal:
    fields = details.get("keyPattern")
    named = _INDEX_OF_TEXT.search(str(details.get("errmsg", "")))
    name = named[1] if named else ""
    is_ours = set(fields) in _OUR_KEYS if fields else name in _OUR_INDEXES
    # A collation may call emails equal that differ for us. A read by our email would not find the other document.
    if is_ours and not details.get("collation"):
        return Refusal(Kind.CONFLICT, "DuplicateKey", concerns=name)
    index = name or "_".join(map(str, fields or ())) or "unknown"
    return Refusal(Kind.PERMANENT, "DuplicateKey", concerns=f"unique index {index}")


def _of_concerns(errors: Iterable[Mapping[str, Any]]) -> Refusal:
    """The gravest error of a write that was done but not acknowledged as asked."""
    found = [_of_code(each.get("code"), doing="insert") for each in errors]
    for refusal in found:
        if refusal.kind is Kind.MISCONFIGURED:
            return refusal
    return found[0] if found else Refusal(Kind.TRANSIENT, "WriteConcernError")


def _of_code(code: int | None, *, doing: str, repeatable: bool = False) -> Refusal:
    if code in TRANSIENT:
        return Refusal(Kind.TRANSIENT, TRANSIENT[code])
    if code in MISCONFIGURED:
        name, advice = MISCONFIGURED[code]
        refusal = Refusal(Kind.MISCONFIGURED, name, advice=advice)
        if code == UNAUTHORIZED_CODE:
            return replace(refusal, concerns=f"right {doing}")
        return replace(refusal, concerns=f"index {EMAIL_INDEX}") if code in INDEX_CODES else refusal
    if code in DUPLICATE_KEY_CODES and doing == "createIndex":
        advice = f"{INDEX_ADVICE}: two documents have the same email_key, or none at all"
        return Refusal(Kind.MISCONFIGURED, "DuplicateKey", f"index {EMAIL_INDEX}", advice)
    name = OF_ONE_DOCUMENT.get(code or 0, f"code_{code}")
    return Refusal(Kind.TRANSIENT if repeatable else Kind.UNKNOWN, name)


def _is_labelled_repeatable(error: PyMongoError) -> bool:
    # A newer server says so about errors whose codes this table does not have.
    return any(map(error.has_error_label, ("RetryableWriteError", "RetryableError", "SystemOverloadedError")))


def _of_servers(last_seen: Iterable[Exception | None] | None) -> Refusal:
    """Why no server can be used. Most often all are away. For some reasons waiting does not help."""
    away = Refusal(Kind.TRANSIENT, "ServerSelectionTimeoutError")
    if last_seen is None:
        return away
    errors = list(last_seen)
    if not errors:
        # The driver forgets servers that do not belong to the replica set, and does not ask them again.
        advice = "no address of INTAKE_MONGODB_URI is a member of that replica set: mend it and restart the worker"
        return Refusal(Kind.MISCONFIGURED, "NotAReplicaSetMember", advice=advice)
    refused = [_of_code(error.code, doing="find") for error in errors if isinstance(error, OperationFailure)]
    if len(refused) == len(errors) and all(each.kind is Kind.MISCONFIGURED for each in refused):
        # After a refusal the driver does not ask that server again for some seconds.
        return refused[0]
    return away
