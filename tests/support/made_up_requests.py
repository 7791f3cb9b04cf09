"""Loaded by schemathesis' command: who sends the requests that it makes up, and what is expected beyond the document.

The variables are those of the shim under test, whose secret signs the tokens.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import schemathesis

from schemas.events import EVENTS_SCOPE
from tests.contract.batch_client import NDJSON
from tests.contract.service import an_email
from tests.support.tokens import token

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, HookContext, Response

AWAITED: Final = "TEST_AWAITED"
"""The variable by which each call waits for its outcome."""


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _arguments: dict[str, Any]) -> None:
    """Let each request come from another caller, so that the document's example of an idempotency key is a new key."""
    bearer = token(os.environ, sub=an_email(), scope=f"customer:create {EVENTS_SCOPE}")
    case.headers["authorization"] = f"Bearer {bearer}"
    if AWAITED in os.environ:
        case.headers["prefer"] = "wait=20"


@schemathesis.check
def awaited_outcome(_context: CheckContext, response: Response, _case: Case[Any]) -> None:
    """Expect the outcome itself where each call waits for it."""
    assert AWAITED not in os.environ or response.status_code != 202


@schemathesis.serializer(NDJSON)
def _as_it_is(_context: object, text: Any) -> bytes:
    """Take bodies of this type as text."""
    return str(text).encode("utf-8", "surrogatepass")
