"""The table of MongoDB's error codes: which name each has, and which kind of refusal it is.

The codes and their names are those of MongoDB's `src/mongo/base/error_codes.yml`. Codes from 10000 up that it does not
name are numbered places in MongoDB's source.
"""

from __future__ import annotations

from typing import Final

EMAIL_INDEX: Final = "email_key_unique"
"""The name of the unique index that makes emails unique."""

DUPLICATE_KEY_CODES: Final = frozenset({11000, 11001, 12582})
"""A unique index refused a document, or could not be built."""

INDEX_CODES: Final = frozenset({67, 68, 85, 86, 197})
"""Of `MISCONFIGURED`, the codes that are about the unique index."""

VALIDATION_CODE: Final = 121
"""A validator of the collection refused a document."""

UNAUTHORIZED_CODE: Final = 13
"""The user lacks a right."""

TRANSIENT: Final = {
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
"""Code → name, for what passes by waiting."""

OF_ONE_DOCUMENT: Final = {
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
    VALIDATION_CODE: "DocumentValidationFailure",
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
"""Code → name, for refusals of one document of an insert. As the answer to a whole command these codes mean nothing."""

_RIGHTS: Final = "give the user of INTAKE_MONGODB_URI the rights find, insert and createIndex on the collection"
"""Advice where the user lacks a right."""

_CREDENTIALS: Final = "check user, password and authSource of INTAKE_MONGODB_URI"
"""Advice where the user cannot sign in."""

INDEX_ADVICE: Final = f"the unique index {EMAIL_INDEX} on email_key cannot be built as the collection stands"
"""What an operator is told about the unique index."""

_MAJORITY: Final = "the replica set cannot acknowledge a write with majority and journal: check its members"
"""Advice where no majority can acknowledge."""

SERVER_ADVICE: Final = "this server or its version lacks what the worker needs: MongoDB 6 or newer, as a replica set"
"""What an operator is told where the server cannot do something."""

_COLLECTION: Final = "the collection customers is none that can be written to as a collection"
"""Advice where the collection is a view."""

MISCONFIGURED: Final = {
    11: ("UserNotFound", _CREDENTIALS),
    UNAUTHORIZED_CODE: ("Unauthorized", _RIGHTS),
    18: ("AuthenticationFailed", _CREDENTIALS),
    20: ("IllegalOperation", SERVER_ADVICE),
    31: ("RoleNotFound", _RIGHTS),
    59: ("CommandNotFound", SERVER_ADVICE),
    67: (
        "CannotCreateIndex",
        f"{INDEX_ADVICE}: sharded, its shard key must be email_key; no time series or capped collection",
    ),
    68: ("IndexAlreadyExists", f"{INDEX_ADVICE}: drop or rename the index that stands in its place"),
    69: ("AuthSchemaIncompatible", _CREDENTIALS),
    72: ("InvalidOptions", SERVER_ADVICE),
    73: ("InvalidNamespace", "check INTAKE_MONGODB_DATABASE"),
    76: ("NoReplicationEnabled", SERVER_ADVICE),
    79: ("UnknownReplWriteConcern", _MAJORITY),
    85: (
        "IndexOptionsConflict",
        f"{INDEX_ADVICE}: an index on email_key with another name or other options is there; drop it",
    ),
    86: ("IndexKeySpecsConflict", f"{INDEX_ADVICE}: an index of this name on other fields is there; drop it"),
    94: ("NotYetInitialized", "the replica set was not initiated yet: rs.initiate()"),
    100: ("UnsatisfiableWriteConcern", _MAJORITY),
    115: ("CommandNotSupported", SERVER_ADVICE),
    123: ("NotAReplicaSet", SERVER_ADVICE),
    140: ("InvalidSSLConfiguration", "check the TLS options of INTAKE_MONGODB_URI"),
    141: ("SSLHandshakeFailed", "check the TLS options of INTAKE_MONGODB_URI"),
    148: ("ReadConcernMajorityNotEnabled", SERVER_ADVICE),
    166: ("CommandNotSupportedOnView", _COLLECTION),
    167: ("OptionNotSupportedOnView", _COLLECTION),
    188: ("IncompatibleServerVersion", SERVER_ADVICE),
    197: ("InvalidIndexSpecificationOption", INDEX_ADVICE),
    214: ("AuthenticationRestrictionUnmet", "the user may not sign in from this address"),
    235: ("InternalErrorNotSupported", SERVER_ADVICE),
    238: ("NotImplemented", SERVER_ADVICE),
    242: ("CannotCreateCollection", _RIGHTS),
    278: ("UnsatisfiableCommitQuorum", _MAJORITY),
    322: ("APIVersionError", SERVER_ADVICE),
    323: ("APIStrictError", SERVER_ADVICE),
    334: ("MechanismUnavailable", _CREDENTIALS),
    352: ("UnsupportedOpQueryCommand", SERVER_ADVICE),
    371: ("UserWritesBlocked", "writes are blocked on the server (setUserWriteBlockMode)"),
    8000: ("AtlasError", _CREDENTIALS),
    13297: ("DatabaseDifferCase", "check INTAKE_MONGODB_DATABASE: another database has this name in other case"),
    14031: ("OutOfDiskSpace", "a disk of the replica set is full"),
}
"""Code → name and advice, for what passes only when an operator mends something."""
