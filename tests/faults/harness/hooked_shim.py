"""A shim for tests that kills itself around the accept call: `python -m tests.faults.harness.hooked_shim`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from api_shim.__main__ import main
from api_shim.intake.accept import Acceptor
from api_shim.intake.batches.chunks import ChunkAcceptor


def install(hook: str, flag: Path) -> None:
    """Build the fault in. It strikes once, and only while the file exists."""
    owner = ChunkAcceptor if hook.endswith("_chunk") else Acceptor
    accept: Any = owner.accept

    def strike() -> None:
        if flag.exists():
            flag.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    async def hooked(*arguments: Any, **named: Any) -> Any:
        if hook.startswith("before_"):
            strike()
        admission = await accept(*arguments, **named)
        if hook.startswith("after_"):
            strike()
        return admission

    setattr(owner, "accept", hooked)  # noqa: B010 - an assignment would ask the type checker to agree


if __name__ == "__main__":
    install(os.environ["FAULT_HOOK"], Path(os.environ["FAULT_FLAG"]))
    sys.exit(main())
