"""A digest that this service has hashed once more, so that no fast hash rests in the database.

`$wrapped$STEP:…$argon2id$v=19$m=19456,t=2,p=1$salt$digest`: argon2id of the lower-case hexadecimal text that the last
step gave (see `digests` for the steps). A login computes the steps, then verifies argon2id. The steps say how the
digest was made, and hold its salts. The digest itself is in no such string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from schemas.password_hashes import argon2
from schemas.password_hashes.digests import STEPS, read_steps, written_steps
from schemas.password_hashes.encodings import NotCanonicalError
from schemas.password_hashes.refusals import Form

if TYPE_CHECKING:
    from schemas.password_hashes.digests import Step

_WRAPPED: Final = re.compile(rf"\$wrapped\${STEPS}(?P<argon2>\$argon2id\$v=19\$[^\n]++)", re.ASCII)
"""A wrapped digest. What `argon2` matches is parsed by itself."""


@dataclass(frozen=True, slots=True)
class WrappedHash:
    """What a login needs to verify a wrapped digest."""

    steps: tuple[Step, ...]
    argon2: str = field(repr=False)
    """The hash of what the last step gave, in the PHC string format."""


def read_wrapped(text: str) -> WrappedHash | None:
    """The parts of a wrapped digest that `parse_password_hash` accepts. None where the text is no such string."""
    match = _WRAPPED.fullmatch(text)
    return None if match is None else WrappedHash(read_steps(match["steps"]), match["argon2"])


def written_wrapped(wrapped: WrappedHash) -> str:
    """The string that is stored."""
    return f"$wrapped${written_steps(wrapped.steps)}{wrapped.argon2}"


def scheme_of_wrapped(steps: tuple[Step, ...]) -> str:
    """What the hash of such a digest is called, the outermost hash first: `argon2id+sha256+md5`."""
    return "+".join(["argon2id", *(step.algorithm for step in reversed(steps))])


def _check(match: re.Match[str]) -> str:
    inner = argon2.PATTERN.fullmatch(match["argon2"])
    if inner is None:
        raise NotCanonicalError
    steps = read_steps(match["steps"])
    argon2.check(inner)
    return scheme_of_wrapped(steps)


FORMS: Final = (Form(beginning="$wrapped$", pattern=_WRAPPED, check=_check, bounds=argon2.BOUNDS),)
"""How wrapped digests are written."""
