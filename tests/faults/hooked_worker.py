"""A worker with one fault built in, for tests only: `python -m tests.faults.hooked_worker`.

`FAULT_HOOK` says where the process kills itself, `FAULT_FLAG` names a file: only while it is there. A hook that is to
strike once takes the file away as it strikes. Nothing of this is in the worker's own code.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worker.__main__ import main
from worker.passwords import Argon2Passwords
from worker.records import RedisRecords

if TYPE_CHECKING:
    from pydantic import SecretStr

POISON = "poison"


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def install(hook: str, flag: Path) -> None:
    """Build the fault in."""
    finish: Any = RedisRecords.finish
    hash_password: Any = Argon2Passwords.hash

    def before_finish(*arguments: Any) -> Any:
        if flag.exists():
            flag.unlink()
            _die()
        return finish(*arguments)

    def after_finish(*arguments: Any) -> Any:
        result = finish(*arguments)
        if flag.exists():
            flag.unlink()
            _die()
        return result

    def poisoned_hash(self: Argon2Passwords, password: SecretStr) -> Any:
        if flag.exists() and password.get_secret_value().endswith(POISON):
            _die()
        return hash_password(self, password)

    if hook == "poison":
        setattr(Argon2Passwords, "hash", poisoned_hash)  # noqa: B010 - an assignment would ask the type checker to agree
    elif hook == "before_finish":
        setattr(RedisRecords, "finish", before_finish)  # noqa: B010 - an assignment would ask the type checker to agree
    elif hook == "after_finish":
        setattr(RedisRecords, "finish", after_finish)  # noqa: B010 - an assignment would ask the type checker to agree


if __name__ == "__main__":
    install(os.environ["FAULT_HOOK"], Path(os.environ["FAULT_FLAG"]))
    sys.exit(main())
