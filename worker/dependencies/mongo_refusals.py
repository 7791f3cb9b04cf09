"""What MongoDB's refusals mean: one table from its error codes to what this worker does about them.

The codes and their names are those of MongoDB's `src/mongo/base/error_codes.yml`; codes from 10000 up that it does not
name are numbered places in its source. Nothing of a driver's text is kept: it repeats values of documents.
"""

from __future__ import annotations

import re
import ssl
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Kind(StrEnum):
    """What is done about a refusal."""

    TRANSIENT = "transient"
    """It passes by waiting: the same call is repeated."""
    CONFLICT = "conflict"
    """A document with this id or this email is there: a read tells which."""
    PERMANENT = "permanent"
    """This customer can never be stored as the database is set up: a dead letter, and nothing to its neighbours."""
    MISCONFIGURED = "misconfigured"
    """Nothing can be stored before an operator has mended something: the worker takes no tasks."""
    UNKNOWN = "unknown"
    """In no table: repeated a few times, then a failure of the task."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal, in words that an operator can act on and without any value of a document."""

    kind: Kind
    code: str
    """MongoDB's name of the error, or the driver's."""
    concerns: str = ""
    """The index, the validator or the user's right that it is about."""
    advice: str = ""


EMAIL_INDEX: Final = "email_key_unique"
"""The name of the unique index that makes emails unique."""

_OUR_KEYS: Final = ({"_id"}, {"email_key"})
_OUR_INDEXES: Final = ("_id_", EMAIL_INDEX)

_DUPLICATE_KEY_CODES: Final = frozenset({11000, 11001, 12582})
_INDEX_CODES: Final = frozenset({67, 68, 85, 86, 197})
_VALIDATION_CODE: Final = 121
_UNAUTHORIZED_CODE: Final = 13

_TRANSIENT: Final = {
    6: "HostUnreachable",
    7: "HostNotFound",
    24: "LockTimeout",
    43: "CursorNotFound",
    46: "LockBusy",
    50: "MaxTimeMSExpired",
    63: "StaleShardVersion",
    64: "WriteConcernTimeout",
    89: "NetworkTimeout",
    90: "CallbackCanceled",
    91: "ShutdownInProgress",
    107: "LockFailed",
    109: "ConfigurationInProgress",
    112: "WriteConflict",
    117: "ConflictingOperationInProgress",
    133: "FailedToSatisfyReadPreference",
    134: "ReadConcernMajorityNotAvailableYet",
    145: "PooledConnectionsDropped",
    146: "ExceededMemoryLimit",
    149: "NoConfigPrimary",
    150: "StaleEpoch",
    175: "QueryPlanKilled",
    189: "PrimarySteppedDown",
    202: "NetworkInterfaceExceededTimeLimit",
    203: "ShardingStateNotInitialized",
    206: "NoSuchSession",
    211: "KeyNotFound",
    215: "DatabaseDropPending",
    216: "ElectionInProgress",
    221: "IndexModified",
    237: "CursorKilled",
    239: "SnapshotTooOld",
    246: "SnapshotUnavailable",
    249: "StaleDbVersion",
    250: "StaleChunkHistory",
    261: "TooManyLogicalSessions",
    262: "ExceededTimeLimit",
    264: "TooManyFilesOpen",
    272: "MigrationConflict",
    276: "IndexBuildAborted",
    279: "ClientDisconnect",
    285: "IndexBuildAlreadyInProgress",
    303: "SplitHorizonChange",
    314: "ObjectIsBusy",
    317: "ConnectionPoolExpired",
    319: "MovePrimaryInProgress",
    338: "ReshardCollectionInProgress",
    355: "InterruptedDueToStorageChange",
    358: "InternalTransactionNotSupported",
    363: "RetryableTransactionInProgress",
    365: "TemporarilyUnavailable",
    384: "ConnectionError",
    391: "ReauthenticationRequired",
    402: "ResourceExhausted",
    406: "MigrationBlockingOperationCoordinatorCleaningUp",
    407: "PooledConnectionAcquisitionExceededTimeLimit",
    412: "UpdatesStillPending",
    433: "AdmissionQueueOverflow",
    449: "RateLimitExceeded",
    450: "PooledConnectionAcquisitionRejected",
    453: "InterruptedDueToReshardingCriticalSection",
    462: "IngressRequestRateLimitExceeded",
    9001: "SocketException",
    10058: "LegacyNotPrimary",
    10107: "NotWritablePrimary",
    11600: "InterruptedAtShutdown",
    11601: "Interrupted",
    11602: "InterruptedDueToReplStateChange",
    12586: "BackgroundOperationInProgressForDatabase",
    12587: "BackgroundOperationInProgressForNamespace",
    13388: "StaleConfig",
    13435: "NotPrimaryNoSecondaryOk",
    13436: "NotPrimaryOrSecondary",
    16500: "TooManyRequests",  # of databases that speak MongoDB's protocol and meter it
    46841: "ClientMarkedKilled",
    50915: "BackupCursorOpenConflictWithCheckpoint",
    91331: "RetriableRemoteCommandFailure",
    10045600: "InterruptedDueToFCVChange",
}

_OF_ONE_DOCUMENT: Final = {
    2: "BadValue",
    9: "FailedToParse",
    14: "TypeMismatch",
    15: "Overflow",
    16: "InvalidLength",
    22: "InvalidBSON",
    52: "DollarPrefixedFieldName",
    53: "InvalidIdField",
    54: "NotSingleValueField",
    55: "InvalidDBRef",
    56: "EmptyFieldName",
    57: "DottedFieldName",
    61: "ShardKeyNotFound",
    116: "DocTooLargeForCapped",
    _VALIDATION_CODE: "DocumentValidationFailure",
    171: "CannotIndexParallelArrays",
    201: "CannotBuildIndexKeys",
    257: "TransactionTooLarge",
    378: "NonConformantBSON",
    10003: "CannotGrowDocumentInCappedNamespace",
    10334: "BSONObjectTooLarge",
    16755: "GeoKeysNotExtracted",
    17261: "TextIndexLanguageNotString",
    17262: "TextIndexLanguageUnknown",
    17280: "KeyTooLong",
    17419: "DocumentTooLarge",
    17420: "DocumentTooLarge",
}
"""Refusals of one document of an insert. As the answer to a whole command they are in no table."""

_RIGHTS: Final = "give the user of INTAKE_MONGODB_URI the rights find, insert and createIndex on the collection"
_CREDENTIALS: Final = "check user, password and authSource of INTAKE_MONGODB_URI"
_INDEX: Final = f"the unique index {EMAIL_INDEX} on email_key cannot be built as the collection stands"
_MAJORITY: Final = "the replica set cannot acknowledge a write with majority and journal: check its members"
_SERVER: Final = "this server or its version lacks what the worker needs: MongoDB 6 or newer, as a replica set"
_COLLECTION: Final = "the collection customers is none that can be written to as a collection"

_MISCONFIGURED: Final = {
    11: ("UserNotFound", _CREDENTIALS),
    _UNAUTHORIZED_CODE: ("Unauthorized", _RIGHTS),
    18: ("AuthenticationFailed", _CREDENTIALS),
    20: ("IllegalOperation", _SERVER),
    31: ("RoleNotFound", _RIGHTS),
    59: ("CommandNotFound", _SERVER),
    67: (
        "CannotCreateIndex",
        f"{_INDEX}: sharded, its shard key must be email_key; no time series or capped collection",
    ),
    68: ("IndexAlreadyExists", f"{_INDEX}: drop or rename the index that stands in its place"),
    69: ("AuthSchemaIncompatible", _CREDENTIALS),
    72: ("InvalidOptions", _SERVER),
    73: ("InvalidNamespace", "check INTAKE_MONGODB_DATABASE"),
    76: ("NoReplicationEnabled", _SERVER),
    79: ("UnknownReplWriteConcern", _MAJORITY),
    85: (
        "IndexOptionsConflict",
        f"{_INDEX}: an index on email_key with another name or other options is there; drop it",
    ),
    86: ("IndexKeySpecsConflict", f"{_INDEX}: an index of this name on other fields is there; drop it"),
    94: ("NotYetInitialized", "the replica set was not initiated yet: rs.initiate()"),
    100: ("UnsatisfiableWriteConcern", _MAJORITY),
    115: ("CommandNotSupported", _SERVER),
    123: ("NotAReplicaSet", _SERVER),
    140: ("InvalidSSLConfiguration", "check the TLS options of INTAKE_MONGODB_URI"),
    141: ("SSLHandshakeFailed", "check the TLS options of INTAKE_MONGODB_URI"),
    148: ("ReadConcernMajorityNotEnabled", _SERVER),
    166: ("CommandNotSupportedOnView", _COLLECTION),
    167: ("OptionNotSupportedOnView", _COLLECTION),
    188: ("IncompatibleServerVersion", _SERVER),
    197: ("InvalidIndexSpecificationOption", _INDEX),
    214: ("AuthenticationRestrictionUnmet", "the user may not sign in from this address"),
    235: ("InternalErrorNotSupported", _SERVER),
    238: ("NotImplemented", _SERVER),
    242: ("CannotCreateCollection", _RIGHTS),
    278: ("UnsatisfiableCommitQuorum", _MAJORITY),
    322: ("APIVersionError", _SERVER),
    323: ("APIStrictError", _SERVER),
    334: ("MechanismUnavailable", _CREDENTIALS),
    352: ("UnsupportedOpQueryCommand", _SERVER),
    371: ("UserWritesBlocked", "writes are blocked on the server (setUserWriteBlockMode)"),
    8000: ("AtlasError", _CREDENTIALS),
    13297: ("DatabaseDifferCase", "check INTAKE_MONGODB_DATABASE: another database has this name in other case"),
    14031: ("OutOfDiskSpace", "a disk of the replica set is full"),
}

_INDEX_OF_TEXT: Final = re.compile(r" index: ([\w.\-$]{1,128}+) (?:collation: |dup key:)")
"""An index' name in the text of a duplicate key error: the one thing of it that no field of the answer has."""


def of_error(error: PyMongoError, *, doing: str, last_seen: Iterable[Exception | None] | None = None) -> Refusal:
    """What the answer to a whole command means.

    Args:
        error: what the driver raised.
        doing: the right that the command takes: `find`, `insert` or `createIndex`.
        last_seen: for each known server of the replica set, why it cannot be used; None where nobody asked.
    """
    if isinstance(error, ServerSelectionTimeoutError):
        return _of_servers(last_seen)
    if isinstance(error, BulkWriteError):
        return _of_concerns(error.details.get("writeConcernErrors", []))
    if isinstance(error, ConfigurationError):
        return Refusal(Kind.MISCONFIGURED, type(error).__name__, advice=f"check INTAKE_MONGODB_URI; or {_SERVER}")
    if isinstance(error, OperationFailure):
        return _of_code(error.code, doing=doing, repeatable=error.timeout or _is_labelled_repeatable(error))
    if isinstance(error, ConnectionFailure) or error.timeout:
        return Refusal(Kind.TRANSIENT, type(error).__name__)
    return Refusal(Kind.UNKNOWN, type(error).__name__)


def of_write_error(details: Mapping[str, Any]) -> Refusal:
    """What the refusal of one document of an insert means."""
    code = details.get("code")
    if code in _DUPLICATE_KEY_CODES:
        return _of_duplicate_key(details)
    if code == _VALIDATION_CODE:
        return Refusal(Kind.PERMANENT, _OF_ONE_DOCUMENT[_VALIDATION_CODE], concerns="validator")
    if code in _OF_ONE_DOCUMENT:
        return Refusal(Kind.PERMANENT, _OF_ONE_DOCUMENT[code])
    return _of_code(code, doing="insert")


def _of_duplicate_key(details: Mapping[str, Any]) -> Refusal:
    fields = details.get("keyPattern")
    named = _INDEX_OF_TEXT.search(str(details.get("errmsg", "")))
    name = named[1] if named else ""
    is_ours = set(fields) in _OUR_KEYS if fields else name in _OUR_INDEXES
    # By a collation emails are alike that differ for us: a read by the email would look for the other one in vain.
    if is_ours and not details.get("collation"):
        return Refusal(Kind.CONFLICT, "DuplicateKey", concerns=name)
    index = name or "_".join(map(str, fields or ())) or "unknown"
    return Refusal(Kind.PERMANENT, "DuplicateKey", concerns=f"unique index {index}")


def _of_concerns(errors: Iterable[Mapping[str, Any]]) -> Refusal:
    """The gravest of those that came with a write that was done but not acknowledged as asked."""
    found = [_of_code(each.get("code"), doing="insert") for each in errors]
    for refusal in found:
        if refusal.kind is Kind.MISCONFIGURED:
            return refusal
    return found[0] if found else Refusal(Kind.TRANSIENT, "WriteConcernError")


def _of_code(code: int | None, *, doing: str, repeatable: bool = False) -> Refusal:
    if code in _TRANSIENT:
        return Refusal(Kind.TRANSIENT, _TRANSIENT[code])
    if code in _MISCONFIGURED:
        name, advice = _MISCONFIGURED[code]
        refusal = Refusal(Kind.MISCONFIGURED, name, advice=advice)
        if code == _UNAUTHORIZED_CODE:
            return replace(refusal, concerns=f"right {doing}")
        return replace(refusal, concerns=f"index {EMAIL_INDEX}") if code in _INDEX_CODES else refusal
    if code in _DUPLICATE_KEY_CODES and doing == "createIndex":
        advice = f"{_INDEX}: two documents have the same email_key, or none at all"
        return Refusal(Kind.MISCONFIGURED, "DuplicateKey", f"index {EMAIL_INDEX}", advice)
    name = _OF_ONE_DOCUMENT.get(code or 0, f"code_{code}")
    return Refusal(Kind.TRANSIENT if repeatable else Kind.UNKNOWN, name)


def _is_labelled_repeatable(error: PyMongoError) -> bool:
    # What a newer server tells of a code that it alone knows.
    return any(map(error.has_error_label, ("RetryableWriteError", "RetryableError", "SystemOverloadedError")))


def _of_servers(last_seen: Iterable[Exception | None] | None) -> Refusal:
    """Why no server can be used. Most often they are away; some reasons pass by no waiting."""
    away = Refusal(Kind.TRANSIENT, "ServerSelectionTimeoutError")
    if last_seen is None:
        return away
    errors = list(last_seen)
    if not errors:
        # The driver forgets servers that do not belong, and does not ask them again.
        advice = "no address of INTAKE_MONGODB_URI is a member of that replica set: mend it and restart the worker"
        return Refusal(Kind.MISCONFIGURED, "NotAReplicaSetMember", advice=advice)
    refused = [_of_code(error.code, doing="find") for error in errors if isinstance(error, OperationFailure)]
    if len(refused) == len(errors) and all(each.kind is Kind.MISCONFIGURED for each in refused):
        # For some seconds after it was refused the driver does not ask a server again.
        return refused[0]
    if all(map(_is_tls, errors)):
        advice = "check certificates and the TLS options of INTAKE_MONGODB_URI"
        return Refusal(Kind.MISCONFIGURED, "SSLHandshakeFailed", advice=advice)
    return away


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            # A connection that is cut while it is made, or is too slow, is no fault of a setting.
            return not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) and "timed out" not in str(error)
        error = error.__cause__
    return False
