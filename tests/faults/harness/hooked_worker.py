"""A worker with one fault built in, for tests only: `python -m tests.faults.harness.hooked_worker`.

`FAULT_HOOK` says where the process kills or freezes itself, `FAULT_FLAG` names a file: only while it is there. A hook
that is to strike once takes the file away as it strikes. Nothing of this is in the worker's own code.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from passwords.hashing import Argon2Passwords
from worker.__main__ import main
from worker.customer.customers import MongoCustomers
from worker.promise.chunk_records import ChunkRecords
from worker.promise.records import RedisRecords

if TYPE_CHECKING:
    from collections.abc import Callable

POISON: Final = "poison"

Step = Any
"""A method of the worker."""


def _strike(number: signal.Signals) -> None:
    """Kill or freeze this process before this thread gets any further.

    A signal to the process may be taken by any of its threads, and this one would run on for a moment. One to this
    thread is taken as the call returns, and ends or stops the whole process all the same.
    """
    signal.pthread_kill(threading.get_ident(), number)


def _strike_once(flag: Path, number: signal.Signals) -> None:
    if flag.exists():
        flag.unlink()
        _strike(number)


def _before(step: Step, flag: Path, number: signal.Signals) -> Step:
    def hooked(*arguments: Any, **named: Any) -> Any:
        _strike_once(flag, number)
        return step(*arguments, **named)

    return hooked


def _after(step: Step, flag: Path, number: signal.Signals) -> Step:
    def hooked(*arguments: Any, **named: Any) -> Any:
        result = step(*arguments, **named)
        _strike_once(flag, number)
        return result

    return hooked


def _poisoned(step: Step, flag: Path, number: signal.Signals) -> Step:
    def hooked(passwords: Argon2Passwords, password: Any) -> Any:
        if flag.exists() and password.get_secret_value().endswith(POISON):
            _strike(number)
        return step(passwords, password)

    return hooked


_HOOKS: Final[dict[str, tuple[type, str, Callable[[Step, Path, signal.Signals], Step], signal.Signals]]] = {
    "before_finish": (RedisRecords, "finish", _before, signal.SIGKILL),
    "after_finish": (RedisRecords, "finish", _after, signal.SIGKILL),
    "before_finish_chunk": (ChunkRecords, "finish", _before, signal.SIGKILL),
    "after_finish_chunk": (ChunkRecords, "finish", _after, signal.SIGKILL),
    "frozen_before_insert": (MongoCustomers, "add_all", _before, signal.SIGSTOP),
    "poison": (Argon2Passwords, "hash", _poisoned, signal.SIGKILL),
}


def install(hook: str, flag: Path) -> None:
    """Build the fault in."""
    owner, name, hooked, number = _HOOKS[hook]
    setattr(owner, name, hooked(getattr(owner, name), flag, number))


if __name__ == "__main__":
    install(os.environ["FAULT_HOOK"], Path(os.environ["FAULT_FLAG"]))
    sys.exit(main())
