"""Every step puts its arguments where its script reads them. The bytes are those of earlier releases."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from schemas.protocol.call import ProtocolError
from schemas.protocol.lua_files import load_script, script_names
from schemas.protocol.steps import (
    accepting,
)
from tests.schemas.protocol.golden_calls import CALLS, GOLDEN, ID, LATEST

if TYPE_CHECKING:
    import redis


def _sent(argument: str | bytes | int) -> str:
    raw = argument if isinstance(argument, bytes) else str(argument).encode()
    return raw.decode("latin-1")


@pytest.mark.parametrize("name", CALLS)
def test_the_keys_and_arguments_of_a_step_have_the_same_bytes_as_in_earlier_releases(name: str) -> None:
    golden: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))[name]
    evalsha, digest, count, *rest = CALLS[name].command()
    assert (evalsha, digest, count) == ("EVALSHA", CALLS[name].script.digest, len(golden["keys"]))
    assert [_sent(each) for each in rest] == [*golden["keys"], *golden["arguments"]]


def test_every_script_is_a_step_with_golden_bytes() -> None:
    assert sorted({call.script.name for call in CALLS.values()}) == script_names()
    assert sorted(json.loads(GOLDEN.read_text("utf-8"))) == sorted(CALLS)


@pytest.mark.parametrize("name", script_names())
def test_redis_compiles_every_script_under_the_digest_that_it_is_called_by(
    redis_client: redis.Redis, name: str
) -> None:
    script = load_script(name)
    assert script.text.startswith("#!lua")
    assert redis_client.script_load(script.text) == script.digest


# Python and Lua name the same arguments


def test_a_step_with_an_argument_that_its_script_does_not_name_is_refused() -> None:
    drop = load_script("drop")
    keys = {"record_key": "r", "dead_letters": "d", "result_key": "c"}
    for wrong_keys, wrong_arguments, tail in (
        ({**keys, "another": "a"}, {"task_id": ID}, ()),
        ({"record_key": "r"}, {"task_id": ID}, ()),
        (keys, {}, ()),
        (keys, {"task_id": ID, "another": "a"}, ()),
        (keys, {"task_id": ID}, ("more",)),
    ):
        with pytest.raises(ProtocolError):
            drop.call(bool, keys=wrong_keys, arguments=wrong_arguments, tail=tail)
    assert drop.call(bool, keys=keys, arguments={"task_id": ID}).keys == ("r", "d", "c")


def test_a_call_that_has_a_deadline_is_not_sent_without_it_and_other_calls_take_none() -> None:
    accept = accepting.accept(
        task_id=ID,
        fingerprint="",
        sealed=b"",
        caller="",
        message=b"",
        most_open=0,
        rate_per_second=0,
        rate_burst=0,
    )
    with pytest.raises(ProtocolError):
        accept.command()
    assert accept.with_deadline(LATEST).command()[-1] == LATEST
    with pytest.raises(ProtocolError):
        CALLS["drop"].with_deadline(LATEST)


def test_the_repr_of_a_call_shows_no_argument() -> None:
    assert repr(CALLS["accept"]) == "Call(accept)"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("local a = KEYS[2]\nlocal b = KEYS[1]\n", id="out of order"),
        pytest.param("local a = KEYS[1]\nreturn ARGV[1]\n", id="without a name"),
        pytest.param("local a = KEYS[1]\nreturn #ARGV\n", id="a tail that is not declared"),
        pytest.param("local a = KEYS[1]\nlocal b = a\nlocal c = KEYS[2]\n", id="named after the header"),
        pytest.param("local latest = ARGV[1]\nlocal a = ARGV[2]\n", id="after the deadline"),
        pytest.param("local a = ARGV[1]\n--- @tail rest\nreturn ARGV[2]\n", id="a place of the tail by its number"),
    ],
)
def test_a_script_that_does_not_begin_by_naming_its_arguments_in_order_cannot_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr("schemas.protocol.lua_files._FOLDER", tmp_path)
    (tmp_path / "wrong.lua").write_text(f"#!lua\n{source}", "utf-8")
    with pytest.raises(ProtocolError):
        load_script("wrong")


def test_a_part_that_is_included_twice_is_in_the_script_once() -> None:
    text = load_script("start").text
    assert text.count("redis.call('TIME')") == 1
    assert "@include" not in text


def test_every_lua_file_is_among_the_files_that_an_installed_package_has() -> None:
    root = Path(__file__).parents[3]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["schemas.protocol"]
    packed = {path for pattern in patterns for path in (root / "schemas" / "protocol").glob(pattern)}
    assert packed == set((root / "schemas").rglob("*.lua"))
