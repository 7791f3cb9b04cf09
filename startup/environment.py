"""Reading settings from the environment: one prefix, `_FILE` variants for secrets, every fault reported at once.

A fault names the variable and what was expected of it. It never repeats the value, since somebody may paste a secret
into the wrong variable, and faults are logged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretBytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX: Final = "INTAKE_"
"""What the name of each of our environment variables begins with."""

MINIMUM_KEY_BYTES: Final = 32
"""The least length of a keyed secret: that of the output of SHA-256 (RFC 2104, section 3; RFC 7518, section 3.2)."""

PLACEHOLDER: Final = "a placeholder in angle brackets in place of its user name or password"
"""What somebody forgot to replace in a URL."""


class SettingsError(ValueError):
    """The settings cannot be used. `faults` has one sentence for each variable that is missing or wrong."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(slots=True)
class EnvironmentReader:
    """Reads and checks variables, collecting faults until `check` raises them together.

    After a fault, each method returns a usable placeholder, so that one start reports every fault.
    """

    environment: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def text(self, name: str, default: str | None = None) -> str:
        """The variable's text without surrounding space. It is a fault when it is missing and has no default.

        Quotes around it are a fault: `docker run --env-file` and systemd's files keep or take them in different ways.
        """
        value = self.environment.get(PREFIX + name, "").strip()
        if value and not _is_quoted(value):
            return value
        if value:
            self._fault(name, "must not have quotes around it")
        elif default is None:
            self._fault(name, "is required")
        return default or ""

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

    def optional_secret(self, name: str) -> SecretBytes | None:
        """The secret in the variable, or in the file that `<name>_FILE` names, without surrounding white space.

        None if neither is set.
        """
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

    def secret_text(self, name: str, default: str) -> str:
        """The text of a variable that may hold a secret (a URL with a password), or of the file of `<name>_FILE`."""
        value = self.optional_secret(name)
        if value is None:
            return default
        try:
            return value.get_secret_value().decode()
        except UnicodeDecodeError:
            self._fault(name, "must be text in UTF-8")
            return default

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
        """Report a fault that the caller found in a variable's value. `sentence` must not repeat the value."""
        self._fault(name, sentence)

    def foreign_fault(self, variable: str, sentence: str) -> None:
        """Report a fault of a variable that is not this service's own, by its whole name."""
        self.faults.append(f"{variable} {sentence}")

    def foreign_file(self, variable: str) -> None:
        """See that the file that such a variable names can be read. It may name none, or a folder of certificates."""
        path = self.environment.get(variable, "").strip()
        try:
            if path and not Path(path).is_dir():
                Path(path).read_bytes()
        except OSError as error:
            self.foreign_fault(variable, f"names a file that cannot be read ({type(error).__name__})")

    def check(self) -> None:
        """Raise the faults that were found, if there are any.

        Raises:
            SettingsError: at least one variable is missing or cannot be used.
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


def is_placeholder(text: str) -> bool:
    """Whether this part of a URL, as it is written there, was left to be filled in, such as `<password>`."""
    return text.startswith("<") and text.endswith(">")


def _is_quoted(value: str) -> bool:
    return len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
