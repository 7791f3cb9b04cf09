"""Whatever text a client sends, reading it takes only a few steps for each character."""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
import pkgutil
import re
import sys
from pathlib import Path
from re import _constants as opcodes  # This is the standard library's own parser of patterns.
from re import _parser as pattern_parser
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import SecretBytes

import api_shim
import edge
import schemas
import worker
from api_shim.methods.requests import arguments
from edge.answers.refusals import Refusals
from edge.bodies import Bodies, PayloadTooLargeError
from edge.json_body import read_json_body
from edge.request import HttpRequest, InvalidRequestPartError, UnsupportedMediaTypeError
from edge.request_ids import caller_request_id
from edge.tokens.key_ring import KeyRing
from edge.tokens.settings import TokenSettings
from edge.tokens.verifier import TokenVerifier
from schemas.customer import InvalidRequestError, parse_customer_request
from schemas.strict_json import MAXIMUM_ELEMENTS, InvalidJsonError, parse_object
from tests.support.requests import a_full_request
from worker.customer import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Message

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = (api_shim, edge, schemas, worker)

NOT_FOR_CLIENTS: Final = {
    "edge.tokens.keys._PEM_BLOCK",
    *(f"schemas.protocol.lua_rights.{name}" for name in ("_CALL", "_COMMENT", "_FUNCTION", "_NAMED_KEY")),
}
"""Patterns that read settings of an operator, or scripts of ours, and no text of a client."""

HEAD_BYTES: Final = 64 * 1024
BODY_BYTES: Final = 256 * 1024

MOST_STEPS_A_BYTE: Final = 12
"""How many lines of Python may run for each byte of input. Code that begins anew at each byte takes thousands."""

_FEW_STEPS: Final = 30_000


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for package in PACKAGES:
        for module_info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if module_info.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(module_info.name)).items():
                if isinstance(value, re.Pattern):
                    yield f"{module_info.name}.{name}", value


def test_the_patterns_are_found() -> None:
    assert {
        "api_shim.methods.requests.arguments._PREFERENCE",
        "edge.server.strict_h11.HEADER_FIELD",
        "schemas.strict_json._BRACKET_OR_STRING",
    } <= {name for name, _ in patterns()}


@pytest.mark.parametrize(("name", "pattern"), [pytest.param(*each, id=each[0]) for each in patterns()])
def test_no_pattern_can_give_back_what_it_has_taken(name: str, pattern: re.Pattern[Any]) -> None:
    if name not in NOT_FOR_CLIENTS:
        assert giving_back(pattern) == [], "make its repetitions possessive: ++, *+, ?+"


def giving_back(pattern: re.Pattern[Any]) -> list[str]:
    """The repetitions in a pattern that may give characters back and be tried again."""
    text = pattern.pattern
    return list(_giving_back(pattern_parser.parse(text, pattern.flags & ~re.UNICODE if isinstance(text, bytes) else 0)))


def _giving_back(node: Any) -> Iterator[str]:
    for operation, argument in node:
        if operation in {opcodes.MAX_REPEAT, opcodes.MIN_REPEAT} and argument[0] != argument[1]:
            yield f"{operation} {argument[0]}..{argument[1]}"
        for inner in _inner(argument):
            yield from _giving_back(inner)


def _inner(argument: Any) -> Iterator[Any]:
    if isinstance(argument, pattern_parser.SubPattern):
        yield argument
    elif isinstance(argument, (tuple, list)):
        for each in argument:
            yield from _inner(each)


@pytest.mark.parametrize("text", [r"(a+)+b", r"\s*=\s*x?\s*", r"(?:a|b)*", r'"(?:[^"])+?"', r"((a?)b)"])
def test_a_pattern_that_gives_back_is_found(text: str) -> None:
    assert giving_back(re.compile(text))


def test_every_pattern_is_a_constant_that_these_tests_see() -> None:
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in PACKAGES
        for path in sorted(Path(str(package.__file__)).parent.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr not in {"compile", "escape"}
    ]
    assert calls == []


def steps(call: Callable[[], object]) -> int:
    """How many lines of Python the call runs. It may refuse its argument."""
    count = 0

    def on_line(_frame: object, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return on_line

    before = sys.gettrace()
    sys.settrace(on_line)
    try:
        call()
    except (InvalidRequestPartError, InvalidRequestError, InvalidJsonError, UnsupportedMediaTypeError):
        pass
    finally:
        sys.settrace(before)
    return count


def filled(piece: str, size: int) -> str:
    return piece * (size // len(piece.encode()))


PIECES: Final = (
    " ", "a", "=", '"', '\\"', "\\", ";", ",", "a=", " ;", "a,", "=;", "&", "id=a&", "wait=1,", 'a="', "%", "+", "."
)  # fmt: skip

HEADERS: Final = (
    "prefer", "idempotency-key", "content-encoding", "content-length", "authorization", "x-request-id"
)  # fmt: skip


def a_body_reader(maximum_bytes: int) -> Bodies:
    return Bodies(Refusals(lambda _: None), maximum_bytes=maximum_bytes, seconds=60)


def ask_everything(request: HttpRequest, verifier: TokenVerifier, body: bytes) -> None:
    """Let every parser of a request's head read it, whatever the others say."""
    parsers: list[Callable[[], object]] = [
        lambda: verifier.verify(request.header(b"authorization")),
        lambda: arguments.idempotency_key(request),
        lambda: arguments.preferred_wait(request),
        lambda: arguments.result_query(request),
        lambda: caller_request_id(request.header(b"x-request-id") or ""),
        lambda: asyncio.run(read_json_body(request, a_body_reader(len(body)))),
    ]
    for parse in parsers:
        try:
            parse()
        except (InvalidRequestPartError, UnsupportedMediaTypeError, PayloadTooLargeError):
            continue


@pytest.mark.parametrize("start", ["", "a=", '"', "wait=", "application/json;", "Bearer ", "id="])
@pytest.mark.parametrize("piece", PIECES)
def test_no_head_takes_more_than_a_few_steps_a_byte(piece: str, start: str) -> None:
    value = (start + filled(piece, HEAD_BYTES)).encode("latin-1")

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    settings = TokenSettings(
        secret=SecretBytes(b"s" * 32), public_keys=(), audience="", issuers=(), leeway_seconds=0, create_scopes=("api",)
    )
    verifier = TokenVerifier(settings, KeyRing(settings))
    for content_type in (value, b"application/json"):
        headers = [*((header.encode(), value + b"\x00") for header in HEADERS), (b"content-type", content_type)]
        scope = {"type": "http", "headers": headers, "query_string": value, "path": "/", "method": "POST"}
        taken = steps(lambda scope=scope: ask_everything(HttpRequest(scope, receive), verifier, b"{}"))  # type: ignore[misc]
        assert taken < _FEW_STEPS + MOST_STEPS_A_BYTE * HEAD_BYTES


BODY_PIECES: Final = (
    "{", "[", "{},", "[],", '"",', '"a":1,', '"', '\\"', "\\", '"\\\\",', "1,", "1", "-", " ", ",", ":", "]", "\\ud800",
    "\\u0000", "null,", "ä", "[[", '"[", '
)  # fmt: skip


@pytest.mark.parametrize("start", ["", '{"a":', '{"a":[', '{"a":"', "[" * 65, '{"a":[' + "[1]," * 70])
@pytest.mark.parametrize("piece", BODY_PIECES)
def test_no_body_takes_more_than_a_few_steps_a_byte(piece: str, start: str) -> None:
    body = (start + filled(piece, BODY_BYTES)).encode()
    assert steps(lambda: parse_object(body)) < _FEW_STEPS + MOST_STEPS_A_BYTE * MAXIMUM_ELEMENTS


@pytest.mark.parametrize(
    "document",
    [
        {f"f{number}": 1 for number in range(MAXIMUM_ELEMENTS // 2)},
        {"addresses": [{}] * (MAXIMUM_ELEMENTS // 2)},
        {"tags": [1] * MAXIMUM_ELEMENTS},
        {"addresses": [{"address_2": [1] * 300} for _ in range(50)]},
        {"password": ["x"] * MAXIMUM_ELEMENTS},
    ],
    ids=["unknown fields", "addresses", "tags", "address lines", "password"],
)
def test_no_request_takes_more_than_a_few_steps_for_each_element(document: dict[str, Any]) -> None:
    taken = steps(lambda: parse_customer_request(document))
    assert taken < _FEW_STEPS + 100 * MAXIMUM_ELEMENTS


@pytest.mark.parametrize("piece", ["a", ".", "@", '"', "(", "[", "a.", "-", "xn--", "ä", "a@", " ", "\\", "\U0001d7ce"])
@pytest.mark.parametrize("start", ["", "a@", '"', "a@[", "a@xn--"])
def test_no_email_takes_more_than_some_steps_a_character(piece: str, start: str) -> None:
    text = (start + piece * 1024)[:1024]
    assert steps(lambda: rules.Rules().parse_email(text)) < 100_000


def test_the_largest_documented_request_is_far_from_the_bound_of_elements() -> None:
    hostile = ',:{[\\"' * 4
    request = a_full_request(
        tags=[hostile] * 1000,
        addresses=[
            a_full_request()["addresses"][0] | {"address_2": [hostile] * 100, "city": hostile * 40} for _ in range(50)
        ],
    )
    assert parse_object(json.dumps(request).encode()) == request
    assert parse_object(json.dumps(request, indent=2).encode()) == request


@pytest.mark.parametrize(
    "body",
    [
        '{"a":[' + "{}," * 80_000 + "{}]}",
        '{"a":[' + '"",' * 80_000 + '""]}',
        '{"a":[' + '"\\\\",' * 50_000 + '""]}',
        '{"a":[' + "1," * 17_000 + "1]}",
        '{"a":"' + "," * 100_000 + '","b":[' + "1," * 17_000 + "1]}",
        "{" + ",".join(f'"f{number}":1' for number in range(9_000)) + "}",
    ],
    ids=["objects", "strings", "escapes", "numbers", "behind a string", "names"],
)
def test_a_body_of_structure_alone_is_refused_before_it_is_built(body: str) -> None:
    with pytest.raises(InvalidJsonError, match="too many elements"):
        parse_object(body.encode())
