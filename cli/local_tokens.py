"""Tokens signed with the local stack's secret."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

import jwt

from local_stack.ports import LOOPBACK
from schemas.overseeing import LINK_CLAIM, OPERATE_SCOPE, READ_SCOPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DEFAULT_SCOPE: Final = "customer:create"
"""Lets a caller create customers, with the shim's default settings."""

IMPORT_SCOPE: Final = "customer:import"
"""Lets a caller import hashes that another system made."""

DAY_SECONDS: Final = 24 * 60 * 60
"""How long a token is good unless asked otherwise."""

LINK_SECONDS: Final = 60 * 60
"""How long a link to the console is good if nobody uses it."""

_LOCAL_OPERATOR: Final = "local"
"""Who acts on the console of the local stack, for its log."""


def jwt_secret_path(directory: Path) -> Path:
    """The file in a data directory that holds the secret that signs tokens."""
    return directory / "secrets" / "jwt-secret"


def console_link(secret_path: Path, port: int) -> str:
    """A link that opens the console of the local stack once, to look and to act.

    The token is in the fragment, which browsers send to nobody.

    Raises:
        OSError: the secret cannot be read.
    """
    token = sign_token(
        secret_path,
        sub=_LOCAL_OPERATOR,
        scopes=(READ_SCOPE, OPERATE_SCOPE),
        expires_in=LINK_SECONDS,
        claims={LINK_CLAIM: secrets.token_urlsafe(16)},
    )
    return f"http://{LOOPBACK}:{port}/#{token}"


def sign_token(
    secret_path: Path,
    *,
    sub: str,
    scopes: Sequence[str] = (DEFAULT_SCOPE,),
    expires_in: int = DAY_SECONDS,
    claims: Mapping[str, str] | None = None,
) -> str:
    """A bearer token for the caller `sub`, good for `expires_in` seconds, with further claims.

    Raises:
        OSError: the secret cannot be read.
    """
    now = int(time.time())
    known = {"sub": sub, "scope": " ".join(scopes), "iat": now, "exp": now + expires_in}
    # The shim too ignores white space around the secret.
    return jwt.encode({**(claims or {}), **known}, secret_path.read_bytes().strip(), algorithm="HS256")
