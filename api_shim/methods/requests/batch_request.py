"""Reads and checks the headers and queries of the methods about batches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from edge.query import query_arguments, require_known, whole_number
from edge.request import InvalidRequestPartError, UnsupportedMediaTypeError
from schemas.batch.content import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.request import HttpRequest

MEDIA_TYPES: Final = ("application/x-ndjson", "application/jsonl", "application/jsonlines", "application/ndjson")
"""The content types that the body of a batch may have."""

MAXIMUM_NAME_CHARACTERS: Final = 200
"""How many characters the name of a batch may have."""

DEFAULT_LIMIT: Final = 1000
"""How many rows are told where the call does not say how many, and does not follow."""
MAXIMUM_LIMIT: Final = 1_000_000
"""How many rows a call may ask for."""

_MAXIMUM_LINE: Final = 10**15
"""More lines than any body has. The number of a line is exact in JSON up to here."""

# Clients choose the text that these patterns read. They give no character back.
_NAME: Final = re.compile(rf"[\x21-\x7e]{{1,{MAXIMUM_NAME_CHARACTERS}}}+")
"""The name of a batch: visible ASCII."""

Coding = Literal["identity", "gzip"]


@dataclass(frozen=True, slots=True)
class BatchQuery:
    """What a call that uploads a batch says of it."""

    name: str | None
    mode: Mode
    ordered: bool


@dataclass(frozen=True, slots=True)
class RowsQuery:
    """Which rows a call asks for."""

    batch_id: str
    after: int
    limit: int | None
    """None: all."""
    only_failed: bool
    follow: bool


def body_coding(request: HttpRequest) -> Coding:
    """How the body, which is NDJSON, is coded.

    Raises:
        UnsupportedMediaTypeError: the headers do not announce NDJSON in UTF-8, plain or compressed with gzip.
    """
    content_types = request.headers(b"content-type")
    if len(content_types) != 1 or not _is_ndjson(content_types[0]):
        raise UnsupportedMediaTypeError
    match ",".join(request.headers(b"content-encoding")).strip().lower():
        case "" | "identity":
            return "identity"
        case "gzip" | "x-gzip":
            return "gzip"
        case _:
            raise UnsupportedMediaTypeError


def _is_ndjson(content_type: str) -> bool:
    media_type, _, parameters = content_type.partition(";")
    if media_type.strip().lower() not in MEDIA_TYPES:
        return False
    pairs = [each.partition("=") for each in parameters.split(";")]
    return all(
        value.strip().strip('"').lower() in {"utf-8", "utf8"}
        for name, _, value in pairs
        if name.strip().lower() == "charset"
    )


def batch_query(request: HttpRequest) -> BatchQuery:
    """Read the query of a call that uploads a batch.

    Raises:
        InvalidRequestPartError: an argument is unknown, repeated, or not what it may be.
    """
    arguments = query_arguments(request, "name", "mode", "ordered")
    name = arguments.get("name")
    if name is not None and _NAME.fullmatch(name) is None:
        raise InvalidRequestPartError("name", f"must be 1 to {MAXIMUM_NAME_CHARACTERS} visible ASCII characters")
    mode = arguments.get("mode", Mode.CREATE.value)
    if mode not in {each.value for each in Mode}:
        raise InvalidRequestPartError("mode", f"must be {' or '.join(Mode)}")
    return BatchQuery(name, Mode(mode), _flag(arguments, "ordered"))


def rows_query(request: HttpRequest) -> RowsQuery:
    """Read the query of a call that reads rows; raises as `batch_query`."""
    arguments = query_arguments(request, "id", "after", "limit", "only", "follow")
    if not arguments.get("id"):
        raise InvalidRequestPartError("id", "is required, once")
    if arguments.get("only", "failed") != "failed":
        raise InvalidRequestPartError("only", "must be failed, where it is given")
    follow = _flag(arguments, "follow")
    limit = whole_number(arguments, "limit", None if follow else DEFAULT_LIMIT, minimum=1, maximum=MAXIMUM_LIMIT)
    after = whole_number(arguments, "after", 0, minimum=0, maximum=_MAXIMUM_LINE)
    return RowsQuery(arguments["id"], after or 0, limit, only_failed="only" in arguments, follow=follow)


def no_query(request: HttpRequest) -> None:
    """Read the query of a call that has no arguments; raises as `batch_query`."""
    query_arguments(request)


def batch_id_from_body(document: Mapping[str, Any]) -> str:
    """Read the body `{"id": "…"}`.

    Raises:
        InvalidRequestPartError: `id` is missing, empty or no string, or the object has any other field.
    """
    for name in document:
        require_known(name, ("id",))
    batch_id = document.get("id")
    if not isinstance(batch_id, str) or not batch_id:
        raise InvalidRequestPartError("id", "is required and must be a string")
    return batch_id


def _flag(arguments: Mapping[str, str], name: str) -> bool:
    value = arguments.get(name, "false")
    if value not in {"true", "false"}:
        raise InvalidRequestPartError(name, "must be true or false")
    return value == "true"
