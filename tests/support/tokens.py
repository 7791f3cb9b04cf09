"""Tokens as an identity provider signs them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from collections.abc import Mapping


def token(environment: Mapping[str, str], *, sub: str = "tester", scope: str = "customer:create", **claims: Any) -> str:
    """A token for the shim of this environment. A claim of None is left out."""
    secret = environment.get("INTAKE_JWT_SECRET") or Path(environment["INTAKE_JWT_SECRET_FILE"]).read_text().strip()
    merged = {"sub": sub, "scope": scope, "exp": int(time.time()) + 3600, **claims}
    return jwt.encode({name: value for name, value in merged.items() if value is not None}, secret, "HS256")
