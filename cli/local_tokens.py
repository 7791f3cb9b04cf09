"""Tokens signed with the local stack's secret."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import jwt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEFAULT_SCOPE: Final = "customer:create"
"""Lets a caller create customers, with the shim's default settings."""

IMPORT_SCOPE: Final = "customer:import"
"""Lets a caller import hashes that another system made."""

DAY_SECONDS: Final = 24 * 60 * 60
"""How long a token is good unless asked otherwise."""


def jwt_secret_path(directory: Path) -> Path:
    """The file in a data directory that holds the secret that signs tokens."""
    return directory / "secrets" / "jwt-secret"


def sign_token(
    secret_path: Path, *, sub: str, scopes: Sequence[str] = (DEFAULT_SCOPE,), expires_in: int = DAY_SECONDS
) -> str:
    """A bearer token for the caller `sub`, good for `expires_in` seconds.

    Raises:
        OSError: the secret cannot be read.
    """
    now = int(time.time())
    claims = {"sub": sub, "scope": " ".join(scopes), "iat": now, "exp": now + expires_in}
    # The shim too ignores white space around the secret.
    return jwt.encode(claims, secret_path.read_bytes().strip(), algorithm="HS256")
