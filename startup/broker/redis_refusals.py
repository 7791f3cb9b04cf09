"""What Redis' refusals mean: one table from the first word of an error to what this service does about it.

The first word of an error is its code: `READONLY You can't write against a read only replica.` Only the code `ERR` has
many meanings. Here the beginning of its text tells apart the meanings that matter. The rest of a text is never kept,
since it repeats arguments, names of users and places in scripts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from redis import exceptions

from startup.broker import tls_faults

if TYPE_CHECKING:
    from startup.broker.redis_url import RedisUrl


class Kind(StrEnum):
    """What is done about a refusal."""

    WAIT = "wait"
    """Waiting helps, on the same server."""
    ELSEWHERE = "elsewhere"
    """This server cannot serve now, but another one may. Drop the connection and look the name up again."""
    MISCONFIGURED = "misconfigured"
    """Nothing works before an operator has mended something."""
    CALL = "call"
    """Only this call is at fault. Redis may carry out another one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal, in words that an operator can act on."""

    code: str
    """Redis' code of the error. It is a name of ours, in small letters, for some errors of the code `ERR` and where the
    Sentinels lead to no primary.

    It has few values, so that it can be a metric's label.
    """
    kind: Kind
    sentence: str
    """What it means and what to do."""


_CLUSTER: Final = "Redis runs in cluster mode, which this service does not use: point INTAKE_REDIS_URL at one primary"
"""What is said of a Redis in cluster mode."""
_CREDENTIALS: Final = "check user and password of INTAKE_REDIS_URL"
"""What to do where Redis refuses user or password."""
_VERSION: Final = "this server or its version lacks what the service needs: Redis 7 or newer, or Valkey"
"""What is said of a server that lacks a command."""
_REPLICA: Final = "the server is a replica: the name of INTAKE_REDIS_URL must lead to the primary"
"""What is said of a replica."""

NO_SENTINEL: Final = Refusal("no_sentinel", Kind.WAIT, "no Sentinel of INTAKE_REDIS_URL answers")
"""What is said where nobody tells who the primary is."""
UNKNOWN_NAME: Final = Refusal(
    "unknown_master_name", Kind.MISCONFIGURED, "the Sentinels do not know the primary's name in INTAKE_REDIS_URL"
)
"""What is said where the Sentinels watch over other servers."""
NOT_A_SENTINEL: Final = Refusal(
    "not_a_sentinel",
    Kind.MISCONFIGURED,
    "the hosts of INTAKE_REDIS_URL are no Sentinels, which +sentinel says they are",
)
"""What is said where a server does not know what a Sentinel is asked."""
SENTINEL_REFUSES: Final = Refusal(
    "sentinel_refuses",
    Kind.MISCONFIGURED,
    "the Sentinels refuse to answer: check INTAKE_REDIS_SENTINEL_PASSWORD and INTAKE_REDIS_SENTINEL_USERNAME",
)
"""What is said where the Sentinels take other credentials."""
NAMED_REPLICA: Final = Refusal(
    "is_replica", Kind.ELSEWHERE, "the server that the Sentinels name is a replica: they have not agreed on another yet"
)
"""What is said where every Sentinel that answers is behind the times."""

_ROWS: Final = (
    *(Refusal(code, Kind.MISCONFIGURED, sentence) for code, sentence in tls_faults.SENTENCES.items()),
    NO_SENTINEL,
    UNKNOWN_NAME,
    NOT_A_SENTINEL,
    SENTINEL_REFUSES,
    NAMED_REPLICA,
    Refusal("OOM", Kind.WAIT, "Redis' memory is full: nothing new is accepted until workers have ended tasks"),
    Refusal("BUSY", Kind.WAIT, "Redis runs a script that takes very long"),
    Refusal("TRYAGAIN", Kind.WAIT, _CLUSTER),
    Refusal("max_clients", Kind.WAIT, "Redis has as many connections as it may have: raise its maxclients"),
    Refusal("LOADING", Kind.ELSEWHERE, "Redis reads its data back after a start, or takes over another server's"),
    Refusal("READONLY", Kind.ELSEWHERE, _REPLICA),
    Refusal("MASTERDOWN", Kind.ELSEWHERE, "the server is a replica that has lost its primary"),
    Refusal("NOMASTERLINK", Kind.ELSEWHERE, "the server is a replica that has lost its primary"),
    Refusal("REDIRECT", Kind.ELSEWHERE, _REPLICA),
    Refusal("UNBLOCKED", Kind.ELSEWHERE, "the server was made a replica"),
    Refusal("NOREPLICAS", Kind.ELSEWHERE, "fewer replicas are in reach than min-replicas-to-write asks for"),
    Refusal("MISCONF", Kind.MISCONFIGURED, "Redis cannot write to its disk: look at its free space and its log"),
    Refusal("NOAUTH", Kind.MISCONFIGURED, f"Redis asks for a password: {_CREDENTIALS}"),
    Refusal("WRONGPASS", Kind.MISCONFIGURED, f"Redis does not take these credentials: {_CREDENTIALS}"),
    Refusal("auth_not_set", Kind.MISCONFIGURED, f"Redis has no password and was given one: {_CREDENTIALS}"),
    Refusal("NOPERM", Kind.MISCONFIGURED, "Redis' ACL denies this user a command, a key or a channel"),
    Refusal("DENIED", Kind.MISCONFIGURED, "Redis is in protected mode: give it a password, or bind it to one address"),
    Refusal("NOPROTO", Kind.MISCONFIGURED, _VERSION),
    Refusal("unknown_command", Kind.MISCONFIGURED, f"Redis does not know a command, or it was renamed: {_VERSION}"),
    Refusal("script_not_compiled", Kind.MISCONFIGURED, _VERSION),
    Refusal("no_such_database", Kind.MISCONFIGURED, "the database's number in INTAKE_REDIS_URL is none of Redis'"),
    Refusal("CLUSTERDOWN", Kind.MISCONFIGURED, _CLUSTER),
    Refusal("MOVED", Kind.MISCONFIGURED, _CLUSTER),
    Refusal("ASK", Kind.MISCONFIGURED, _CLUSTER),
    Refusal("CROSSSLOT", Kind.MISCONFIGURED, _CLUSTER),
    Refusal("WRONGTYPE", Kind.CALL, "a key of this service holds what something else has stored there"),
    Refusal("EXECABORT", Kind.CALL, "a transaction was dropped, since one of its commands was refused"),
    Refusal("NOSCRIPT", Kind.CALL, "Redis has forgotten a script; it is loaded again"),
    Refusal("UNKILLABLE", Kind.CALL, "a script cannot be stopped any more"),
    Refusal("ERR", Kind.CALL, "Redis refused a call for a reason that has no code of its own"),
)
"""One row for each code of an error that is known."""

TABLE: Final = {row.code: row for row in _ROWS}
"""The known refusals, by their code."""

_BEGINNINGS_OF_ERR: Final = (
    ("max number of clients", "max_clients"),
    ("max clients", "max_clients"),
    ("unknown command", "unknown_command"),
    ("unknown subcommand", "unknown_command"),
    ("error compiling script", "script_not_compiled"),
    ("invalid password", "WRONGPASS"),
    ("wrong number of arguments for 'auth' command", "WRONGPASS"),
    ("auth <password> called without any password", "auth_not_set"),
    ("client sent auth, but no password is set", "auth_not_set"),
    ("operation not permitted", "NOAUTH"),
    ("acl failure in script", "NOPERM"),
    ("the user executing the script can't run", "NOPERM"),
    ("db index is out of range", "no_such_database"),
    ("invalid db index", "no_such_database"),
    ("select is not allowed in cluster mode", "CROSSSLOT"),
)
"""How texts of the code `ERR` begin, in small letters."""

_CODES_OF_CLASSES: Final = (
    (exceptions.BusyLoadingError, "LOADING"),
    (exceptions.ReadOnlyError, "READONLY"),
    (exceptions.MasterDownError, "MASTERDOWN"),
    (exceptions.OutOfMemoryError, "OOM"),
    (exceptions.NoPermissionError, "NOPERM"),
    (exceptions.NoScriptError, "NOSCRIPT"),
    (exceptions.ExecAbortError, "EXECABORT"),
    (exceptions.TryAgainError, "TRYAGAIN"),
    (exceptions.MovedError, "MOVED"),  # before the class that it comes from
    (exceptions.AskError, "ASK"),
    (exceptions.ClusterCrossSlotError, "CROSSSLOT"),
    (exceptions.ClusterDownError, "CLUSTERDOWN"),
    (exceptions.AuthenticationWrongNumberOfArgsError, "WRONGPASS"),
)
"""redis-py removes the code from the text of these exceptions. Only newer releases keep it as an attribute."""

_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,31}")
"""The form of Redis' codes of errors."""
_ERR: Final = TABLE["ERR"]
"""The row of an error without a code of its own."""


class NoPrimaryError(exceptions.ConnectionError):
    """The Sentinels lead to no primary. It is one of redis-py's errors, since redis-py's callers get it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def refusal_of(error: BaseException) -> Refusal | None:
    """The refusal in this exception of redis-py. None if Redis refused nothing, as with a lost connection."""
    if isinstance(error, NoPrimaryError):
        return error.refusal
    if (fault := tls_faults.tls_fault_of(error)) is not None:
        return TABLE[fault]
    return _of_redis_error(error)


def _of_redis_error(error: BaseException) -> Refusal | None:
    text = str(error)
    if code := getattr(error, "status_code", None):
        return refusal_of_text(f"{code} {text}")
    for kind, code in _CODES_OF_CLASSES:
        if isinstance(error, kind):
            return TABLE[code]
    if isinstance(error, exceptions.ResponseError):
        return refusal_of_text(text)
    if isinstance(error, exceptions.AuthenticationError):
        # The code was NOAUTH or WRONGPASS, or it was `ERR` from a server older than Redis 6.
        known = _of_err(text)
        return TABLE["WRONGPASS"] if known is _ERR else known
    # redis-py takes one answer of Redis for a lost connection, and removes its code: too many clients.
    known = _of_err(text) if type(error) is exceptions.ConnectionError else _ERR
    return known if known.code == "max_clients" else None


def refusal_behind(error: BaseException, url: RedisUrl) -> Refusal | None:
    """The refusal in this exception; where it tells none, the server is asked, which takes up to two seconds."""
    if (refusal := refusal_of(error)) is not None:
        return refusal
    fault = tls_faults.ask_why(url)
    return None if fault is None else TABLE[fault]


def refusal_of_text(text: str) -> Refusal:
    """The refusal for the text of an error as Redis sent it, which begins with the code."""
    code, _, rest = text.partition(" ")
    return _of_err(rest) if code == "ERR" else refusal_of_code(code)


def refusal_of_code(code: str) -> Refusal:
    """The refusal for a code. An unknown code gets a refusal of its own, so that logs can name it.

    Text that has not the form of a code is never kept: it gets the refusal of `ERR`.
    """
    code = code.removeprefix("-")
    return TABLE.get(code) or (Refusal(code, Kind.CALL, _ERR.sentence) if _CODE.fullmatch(code) else _ERR)


def _of_err(text: str) -> Refusal:
    lowered = text.removeprefix("ERR ").lower()
    return next((TABLE[code] for beginning, code in _BEGINNINGS_OF_ERR if lowered.startswith(beginning)), _ERR)
