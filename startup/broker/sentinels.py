"""Finds the primary by asking Sentinels, as far as that needs no socket.

Whoever connects makes a `Search`. It tells which Sentinel to ask next, and what an answer means. A Sentinel may be
gone, may refuse, or may be behind the times, as one that was cut off from the others. So the server that it names is
tried, and if that is no primary the next Sentinel is asked. A Sentinel that sees too few others is asked once more when
all have been asked: the server that it names may have been replaced by those others, and not know it either.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from startup.broker import tls_faults
from startup.broker.redis_refusals import (
    NAMED_REPLICA,
    NO_SENTINEL,
    NOT_A_SENTINEL,
    SENTINEL_REFUSES,
    UNKNOWN_NAME,
    Kind,
    NoPrimaryError,
    Refusal,
    refusal_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import SecretStr

_MOST_SECONDS: Final = 1.0
"""How long one Sentinel may take at most. The next one may answer at once."""

_GRAVEST_FIRST: Final = (SENTINEL_REFUSES, UNKNOWN_NAME, NOT_A_SENTINEL)
"""What is told where Sentinels refuse for several reasons."""

_NO_QUORUM: Final = "NOQUORUM"
"""How the error begins with which a Sentinel says that it sees too few others to replace a primary."""

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinels:
    """Which Sentinels to ask, for which primary, and how to log in. The repr shows neither user nor password."""

    addresses: tuple[Address, ...]
    name: str
    """What the Sentinels call the primary."""
    username: str | None = field(default=None, repr=False)
    password: SecretStr | None = field(default=None, repr=False)

    def commands(self) -> list[tuple[str, ...]]:
        """What a Sentinel is sent, in one piece. `Search.answered` takes the last two replies, errors too."""
        questions: list[tuple[str, ...]] = [
            ("SENTINEL", "CKQUORUM", self.name),
            ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name),
        ]
        if self.password is None:
            return questions
        user = () if self.username is None else (self.username,)
        return [("AUTH", *user, self.password.get_secret_value()), *questions]

    def seconds(self, connect_seconds: float | None) -> float:
        """How long one Sentinel may take, so that all of them can be asked in the time for connecting."""
        if connect_seconds is None:
            return _MOST_SECONDS
        return min(_MOST_SECONDS, connect_seconds / (1 + len(self.addresses)))


class SentinelOrder:
    """In which order the Sentinels are asked: first the one that last led to a primary. Thread-safe."""

    def __init__(self, sentinels: Sentinels, *, tls_arguments: Mapping[str, Any]) -> None:
        """`tls_arguments`: the arguments of redis-py's TLS connections to the Sentinels. Empty without TLS."""
        self.sentinels = sentinels
        self.tls_arguments = tls_arguments
        self._order = list(sentinels.addresses)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"SentinelOrder({self.sentinels!r})"

    def search(self) -> Search:
        """A new search."""
        return Search(self)

    def addresses(self) -> list[Address]:
        """The Sentinels in order."""
        with self._lock:
            return list(self._order)

    def move(self, sentinel: Address, *, to_front: bool) -> None:
        """Ask this Sentinel first from now on, or last."""
        with self._lock:
            self._order.remove(sentinel)
            self._order.insert(0 if to_front else len(self._order), sentinel)


class Search:
    """One search for the primary, for one connection."""

    def __init__(self, order: SentinelOrder) -> None:
        self._order = order
        self._asked: Address | None = None
        self._tried: set[Address] = set()
        self._in_minority: list[Address] = []
        self._takes_minorities = False
        self._refusals: list[Refusal] = []
        self._silent: list[str] = []
        self._unfit: Exception | None = None

    def sentinels(self) -> Iterator[Address]:
        """The Sentinels to ask, one after the other, until `found` is called."""
        for sentinel in self._order.addresses():
            # Until it has led to a primary it comes last: whoever asks may be out of time before it has answered.
            self._order.move(sentinel, to_front=False)
            self._asked = sentinel
            yield sentinel
        self._takes_minorities = True
        for sentinel in self._in_minority:
            self._asked = sentinel
            yield sentinel

    def answered(self, quorum: Any, reply: Any) -> Address | None:
        """Take the replies of the Sentinel that was asked. Returns the server to try, if it names a new one.

        Args:
            quorum: whether it sees enough others. It may be an error: only Redis' `NOQUORUM` means no.
            reply: the server that it names.
        """
        if isinstance(reply, Exception):
            self.failed(reply)
            return None
        if str(quorum).startswith(_NO_QUORUM) and not self._takes_minorities and self._asked is not None:
            self._in_minority.append(self._asked)
            return None
        match reply:
            case None:
                self._refusals.append(UNKNOWN_NAME)
                return None
            case [bytes(host), bytes(port)] if port.isdigit():
                address = (host.decode(errors="replace"), int(port))
            case _:
                self._refusals.append(NOT_A_SENTINEL)
                return None
        if address in self._tried:
            return None
        self._tried.add(address)
        return address

    def failed(self, error: Exception) -> None:
        """The Sentinel that was asked did not answer, or refused."""
        refusal = refusal_of(error)
        if refusal is None or refusal.kind is not Kind.MISCONFIGURED:
            self._silent.append(_innermost(error))
        elif refusal.code in tls_faults.SENTENCES:
            self._refusals.append(refusal)
        else:
            self._refusals.append(NOT_A_SENTINEL if refusal.code == "unknown_command" else SENTINEL_REFUSES)

    def judge(self, role: Any) -> None:
        """Take the reply to `ROLE` of the server that was tried.

        Raises:
            NoPrimaryError: the server is a replica.
        """
        if isinstance(role, list) and role and role[0] == b"slave":
            raise NoPrimaryError(NAMED_REPLICA)

    def unfit(self, error: Exception) -> None:
        """The server that was tried cannot be used. The last one's error is what the search fails with."""
        self._unfit = error

    def found(self) -> None:
        """The server that was tried is a primary."""
        if self._asked is not None:
            self._order.move(self._asked, to_front=True)

    def failure(self) -> Exception:
        """What to raise where every Sentinel was asked."""
        if self._unfit is not None:
            return self._unfit
        for refusal in (*_GRAVEST_FIRST, *self._refusals):
            if refusal in self._refusals:
                # A Sentinel that is only away may lead to the primary later, so nobody may have to mend anything.
                return NoPrimaryError(replace(refusal, kind=Kind.ELSEWHERE) if self._silent else refusal)
        kinds = ", ".join(dict.fromkeys(self._silent))
        return NoPrimaryError(replace(NO_SENTINEL, sentence=f"{NO_SENTINEL.sentence} ({kinds})"))


def _innermost(error: BaseException) -> str:
    """The kind of error at the bottom, as `gaierror`. redis-py hides it behind its own."""
    while isinstance(cause := error.__cause__ or error.__context__, Exception):
        error = cause
    return type(error).__name__
