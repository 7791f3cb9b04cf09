"""Tokens signed with the local stack's secret."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import jwt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEFAULT_SCOPE: Final = "customer:create"
DAY_SECONDS: Final = 24 * 60 * 60


def jwt_secret_path(directory: Path) -> Path:
    """Where a data directory keeps the secret that signs tokens."""
    return directory / "secrets" / "jwt-secret"


def sign_token(
    secret_path: Path, *, sub: str, scopes: Sequence[str] = (DEFAULT_SCOPE,), expires_in: int = DAY_SECONDS
) -> str:
    """A token for this caller.

    Raises:
        OSError: the secret cannot be read.
    """
    now = int(time.time())
    claims = {"sub": sub, "scope": " ".join(scopes), "iat": now, "exp": now + expires_in}
    # Without the white space around it, as the shim reads it.
    return jwt.encode(claims, secret_path.read_bytes().strip(), algorithm="HS256")
