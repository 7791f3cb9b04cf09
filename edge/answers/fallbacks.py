"""The answers to requests for which there is no method, in place of Starlette's own, which are no JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException

from edge.answers import responses

if TYPE_CHECKING:
    from starlette.requests import Request


async def _http_exception(_request: Request, error: Exception) -> Any:
    if isinstance(error, HTTPException) and error.status_code == 405:  # noqa: PLR2004
        return responses.method_not_allowed((error.headers or {}).get("Allow", ""))
    return responses.not_found()


async def _internal_error(_request: Request, _error: Exception) -> Any:
    """Answered by Starlette, which then raises the error once more: RequestContext logs it."""
    return responses.internal_error()


HANDLERS: Final = {HTTPException: _http_exception, Exception: _internal_error}
"""By the exception that Starlette raises."""
