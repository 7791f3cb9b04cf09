"""Reading settings from the environment: one prefix, `_FILE` variants for secrets, every fault reported at once.

A fault names the variable and what was expected of it, and never repeats the value: a secret pasted into the wrong
variable must not end in a log.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import SecretBytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX = "INTAKE_"

MINIMUM_KEY_BYTES = 32
"""Least length of a keyed secret: as long as the output of the SHA-256 it keys (RFC 2104, section 3; RFC 7518, 3.2)."""


class SettingsError(ValueError):
    """The environment does not hold usable settings; `faults` has one sentence for each variable concerned."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(slots=True)
class EnvironmentReader:
    """Reads and checks variables, collecting faults until `check` raises them together.

    Every reading method returns a usable placeholder after a fault, so that one start reports all of them.
    """

    environment: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def text(self, name: str, default: str | None = None) -> str:
        """The variable's text without surrounding space; a fault where it is missing and has no default."""
        value = self.environment.get(PREFIX + name, "").strip()
        if value:
            return value
        if default is None:
            self._fault(name, "is required")
            return ""
        return default

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """One of a few words."""
        value = self.text(name, default)
        if value not in choices:
            self._fault(name, f"must be one of {', '.join(choices)}")
            return default
        return value

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        """A whole number within bounds, both included."""
        raw = self.text(name, str(default))
        try:
            value = int(raw)
        except ValueError:
            value = None
        if value is None or not minimum <= value <= maximum:
            self._fault(name, f"must be a whole number from {minimum} to {maximum}")
            return default
        return value

    def seconds(self, name: str, default: float, *, minimum: float, maximum: float) -> float:
        """A duration in seconds within bounds, both included."""
        return self.number(name, default, minimum=minimum, maximum=maximum, what="a number of seconds")

    def number(self, name: str, default: float, *, minimum: float, maximum: float, what: str = "a number") -> float:
        """A number within bounds, both included; `what` names it in a fault."""
        raw = self.text(name, str(default))
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not minimum <= value <= maximum:  # also false for NaN
            self._fault(name, f"must be {what} from {minimum:g} to {maximum:g}")
            return default
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """`1`, `true`, `yes`, `on` or `0`, `false`, `no`, `off`, in any case."""
        value = self.text(name, "1" if default else "0").lower()
        if value in {"1", "true", "yes", "on"}:
            return True
        if value not in {"0", "false", "no", "off"}:
            self._fault(name, "must be 1 or 0")
        return False

    def url(self, name: str, schemes: Sequence[str], default: str) -> str:
        """A URL of one of the given schemes with a host; the value may hold a password and is never repeated."""
        value = self.text(name, default)
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and bool(parts.netloc)
        except ValueError:
            usable = False
        if not usable:
            self._fault(name, f"must be a URL that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    def optional_secret(self, name: str) -> SecretBytes | None:
        """The secret in the variable, or in the file that `<name>_FILE` names, without surrounding white space."""
        value = self.environment.get(PREFIX + name, "").strip()
        path = self.environment.get(f"{PREFIX}{name}_FILE", "").strip()
        if value and path:
            self._fault(name, f"and {PREFIX}{name}_FILE are both set: set one of them")
            return None
        if path:
            content = self._read(f"{name}_FILE", path)
            if content is not None and not content:
                self._fault(f"{name}_FILE", "names an empty file")
            return SecretBytes(content) if content else None
        return SecretBytes(value.encode("utf-8", "surrogateescape")) if value else None

    def secret(self, name: str, *, minimum_bytes: int = 1) -> SecretBytes:
        """A required secret of at least `minimum_bytes`."""
        value = self.optional_secret(name)
        if value is None:
            if not any(fault.startswith(PREFIX + name) for fault in self.faults):
                self._fault(name, f"is required (or {PREFIX}{name}_FILE, the path of a file that holds it)")
            return SecretBytes(b"")
        if len(value.get_secret_value()) < minimum_bytes:
            self._fault(name, f"must be at least {minimum_bytes} bytes long")
        return value

    def fault(self, name: str, sentence: str) -> None:
        """Report a fault that the caller found in a variable's value; `sentence` must not repeat that value."""
        self._fault(name, sentence)

    def check(self) -> None:
        """Raise what was found.

        Raises:
            SettingsError: at least one variable is missing or unusable.
        """
        if self.faults:
            raise SettingsError(self.faults)

    def _read(self, name: str, path: str) -> bytes | None:
        try:
            return Path(path).read_bytes().strip()
        except OSError as error:
            self._fault(name, f"names a file that cannot be read ({type(error).__name__})")
            return None

    def _fault(self, name: str, sentence: str) -> None:
        self.faults.append(f"{PREFIX}{name} {sentence}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSettings:
    """What both sides read alike."""

    redis_url: str
    """Broker, task records and results: one Redis, so that accepting and finishing are one atomic call each."""
    id_key: SecretBytes
    """Keys the fingerprints of requests and the ids derived from them; the same on both sides."""
    result_ttl_seconds: int
    """How long an outcome can be read. Never under the idempotency window, since the record serves both."""
    log_level: str
    log_format: Literal["auto", "json", "console"]


IDEMPOTENCY_WINDOW_SECONDS = 24 * 60 * 60
"""How long a repeat with the same Idempotency-Key gets the first call's task (the HTTP contract's 24 hours)."""

_MAXIMUM_TTL_SECONDS = 30 * 24 * 60 * 60


def read_shared_settings(reader: EnvironmentReader) -> SharedSettings:
    """Read the settings of both sides; faults are left with the reader."""
    log_format = reader.choice("LOG_FORMAT", ("auto", "json", "console"), "auto")
    return SharedSettings(
        redis_url=reader.url("REDIS_URL", ("redis", "rediss"), "redis://127.0.0.1:6379/0"),
        id_key=reader.secret("ID_KEY", minimum_bytes=MINIMUM_KEY_BYTES),
        result_ttl_seconds=reader.integer(
            "RESULT_TTL_SECONDS",
            IDEMPOTENCY_WINDOW_SECONDS,
            minimum=IDEMPOTENCY_WINDOW_SECONDS,
            maximum=_MAXIMUM_TTL_SECONDS,
        ),
        log_level=reader.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info"),
        log_format="json" if log_format == "json" else "console" if log_format == "console" else "auto",
    )
