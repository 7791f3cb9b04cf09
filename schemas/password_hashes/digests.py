"""Digests of a password that are computed in no time: how this service writes what was computed, and computes it again.

`$digest$STEP:STEP:STEP$hex`, of one to three steps. A step is the name of a hash, then perhaps `,b=` with the bytes
before its input and `,a=` with those after it, in base64 without padding. The first step's input is the password in
UTF-8. Each further step's input is the lower-case hexadecimal text that the step before gave.

So the MD5 of a salt and a password is `$digest$md5,b=c2FsdA$…`. Such a string is never stored: see `wrapped`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from schemas.password_hashes.encodings import NotCanonicalError, size_of_base64
from schemas.password_hashes.refusals import FAST, Form, PasswordHashError, require_size

DIGEST_BYTES: Final = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
"""The hashes of a step → the bytes of their digests."""

_SALT_BYTES: Final = range(129)
"""Of all the salts of a digest together."""

_STEP: Final = r"(?:md5|sha1|sha224|sha256|sha384|sha512)(?:,b=[A-Za-z0-9+/]++)?+(?:,a=[A-Za-z0-9+/]++)?+"
"""The pattern of one step."""

STEPS: Final = rf"(?P<steps>{_STEP}(?::{_STEP}){{0,2}}+)"
"""The pattern of one to three steps."""

_DIGEST: Final = re.compile(rf"\$digest\${STEPS}\$(?P<hexadecimal>[0-9a-f]++)", re.ASCII)
"""A digest with its steps."""


@dataclass(frozen=True, slots=True)
class Step:
    """One hash on the way from a password to its digest."""

    algorithm: str
    """A key of `DIGEST_BYTES`."""
    before: bytes = field(default=b"", repr=False)
    """What stands before the input: a salt."""
    after: bytes = field(default=b"", repr=False)
    """What stands after the input."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What was computed of a password. It is as secret as the password itself."""

    steps: tuple[Step, ...]
    hexadecimal: str = field(repr=False)
    """What the last step gave, in lower case."""


def computed(steps: tuple[Step, ...], password: bytes) -> str:
    """What these steps make of a password, in lower-case hexadecimal digits."""
    value = password
    for step in steps:
        made = hashlib.new(step.algorithm, step.before + value + step.after, usedforsecurity=False)
        value = made.hexdigest().encode()
    return value.decode()


def written_steps(steps: tuple[Step, ...]) -> str:
    """The steps as they stand in a string."""
    return ":".join(
        step.algorithm
        + "".join(f",{name}={_base64(salt)}" for name, salt in (("b", step.before), ("a", step.after)) if salt)
        for step in steps
    )


def written_digest(digest: Digest) -> str:
    """The digest as a string that `read_digest` reads."""
    return f"$digest${written_steps(digest.steps)}${digest.hexadecimal}"


def read_steps(text: str) -> tuple[Step, ...]:
    """The steps that match `STEPS`.

    Raises:
        NotCanonicalError: a salt is not written as an encoder would, or the salts are too long.
    """
    steps = tuple(_read_step(each) for each in text.split(":"))
    require_salts(steps)
    return steps


def require_salts(steps: tuple[Step, ...]) -> None:
    """Refuse salts that are too long.

    Raises:
        NotCanonicalError: they have more bytes together than a string may hold.
    """
    require_size(sum(len(step.before) + len(step.after) for step in steps), _SALT_BYTES)


def read_digest(text: str) -> Digest | None:
    """The digest that is written with its steps. None where the text is none, or is not written as one."""
    match = _DIGEST.fullmatch(text)
    if match is None:
        return None
    try:
        return _read(match)
    except NotCanonicalError:
        return None


def _read(match: re.Match[str]) -> Digest:
    steps = read_steps(match["steps"])
    size = DIGEST_BYTES[steps[-1].algorithm]
    require_size(len(match["hexadecimal"]), range(2 * size, 2 * size + 1))
    return Digest(steps, match["hexadecimal"])


def _read_step(text: str) -> Step:
    algorithm, *salts = text.split(",")
    by_name = {name: _bytes_of(digits) for name, _, digits in (salt.partition("=") for salt in salts)}
    return Step(algorithm, before=by_name.get("b", b""), after=by_name.get("a", b""))


def _bytes_of(digits: str) -> bytes:
    size_of_base64(digits)
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


def _base64(salt: bytes) -> str:
    return base64.b64encode(salt).decode().rstrip("=")


def _check(match: re.Match[str]) -> str:
    _read(match)
    raise PasswordHashError(FAST)


FORMS: Final = (Form(beginning="$digest$", pattern=_DIGEST, check=_check, bounds=""),)
"""How digests are written with their steps. All are refused: they have no cost."""
