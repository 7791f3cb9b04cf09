"""Reads the body of a request as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from edge.request import InvalidRequestPartError, UnsupportedMediaTypeError
from schemas.strict_json import InvalidJsonError, parse_object

if TYPE_CHECKING:
    from edge.bodies import Bodies
    from edge.request import HttpRequest

_JSON: Final = "application/json"
"""The content type that a body must have."""


async def read_json_body(request: HttpRequest, bodies: Bodies) -> tuple[bytes, dict[str, Any]]:
    """Read the body. Returns its bytes as they came, and the JSON object in them.

    Raises:
        UnsupportedMediaTypeError: the headers do not announce uncompressed JSON in UTF-8.
        InvalidRequestPartError: the body is not a JSON object.
        PayloadTooLargeError, BodyTooSlowError, ClientDisconnect: see `Bodies.read`.
    """
    if not _is_json(request):
        raise UnsupportedMediaTypeError
    body = await bodies.read(request)
    try:
        return body, parse_object(body)
    except InvalidJsonError as error:
        raise InvalidRequestPartError("", str(error)) from None


def _is_json(request: HttpRequest) -> bool:
    content_type = request.header(b"content-type") or ""
    if content_type != _JSON:
        media_type, _, parameters = content_type.partition(";")
        if media_type.strip().lower() != _JSON:
            return False
        for parameter in parameters.split(";"):
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {"utf-8", "utf8"}:
                return False
    return (request.header(b"content-encoding") or "").strip().lower() in {"", "identity"}
