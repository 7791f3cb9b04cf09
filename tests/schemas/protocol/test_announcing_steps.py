"""Processes announce themselves; one look tells of those that can be read and are not long silent."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from schemas.protocol.overall import PROCESSES_KEY, PROCESSES_SEEN_KEY
from schemas.protocol.overview import Details
from schemas.protocol.steps import overseeing

if TYPE_CHECKING:
    from tests.support.records import Scripts

A_WORKER = Details(
    kind="worker",
    version="0.3.0",
    host="a-host",
    pid=7,
    started_at_milliseconds=1,
    holds={"tasks": 3},
    per_second=12.5,
    taking=True,
)


def test_a_process_is_told_of_from_its_first_word_to_its_last(scripts: Scripts) -> None:
    scripts.run(overseeing.announce("one", A_WORKER))
    scripts.run(overseeing.announce("two", replace(A_WORKER, kind="shim")))
    scripts.run(overseeing.announce("one", replace(A_WORKER, taking=False)))

    two, one = scripts.overview().processes

    assert (one.name, one.details) == ("one", replace(A_WORKER, taking=False))
    assert (two.name, two.details.kind) == ("two", "shim")
    assert 0 <= one.silent_seconds < 60
    assert scripts.run(overseeing.read_overview()).processes == ()
    assert [scripts.run(overseeing.leave("one")) for _ in range(2)] == [True, False]
    assert [each.name for each in scripts.overview().processes] == ["two"]


def test_a_process_that_is_silent_for_long_is_forgotten_and_so_is_one_of_the_future(scripts: Scripts) -> None:
    for name in ("dead", "ahead"):
        scripts.run(overseeing.announce(name, A_WORKER))
    scripts.client.zincrby(PROCESSES_SEEN_KEY, -599_000, "dead")
    assert scripts.run(overseeing.announce("one", A_WORKER)) == 0
    (dead,) = (each for each in scripts.overview().processes if each.name == "dead")
    assert dead.silent_seconds >= 599
    scripts.client.zincrby(PROCESSES_SEEN_KEY, -1_000, "dead")
    scripts.client.zincrby(PROCESSES_SEEN_KEY, 600_000, "ahead")
    assert scripts.run(overseeing.announce("one", A_WORKER)) == 2
    assert [each.name for each in scripts.overview().processes] == ["one"]


def test_what_a_newer_release_says_of_itself_besides_is_not_looked_at(scripts: Scripts) -> None:
    scripts.run(overseeing.announce("one", A_WORKER))
    told = scripts.client.hget(PROCESSES_KEY, "one")
    assert isinstance(told, bytes)
    scripts.client.hset(PROCESSES_KEY, "one", told[:-1] + b',"more":[1]}')
    (one,) = scripts.overview().processes
    assert one.details == A_WORKER


@pytest.mark.parametrize(
    "said",
    [
        "no JSON",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps({**asdict(A_WORKER), "holds": ["tasks"]}),
        json.dumps({**asdict(A_WORKER), "holds": {"tasks": "<b>3</b>"}}),
        json.dumps({**asdict(A_WORKER), "kind": 7}),
        json.dumps({**asdict(A_WORKER), "pid": 10**400}),
        json.dumps({**asdict(A_WORKER), "per_second": float("nan")}),
        json.dumps({**asdict(A_WORKER), "per_second": "many"}),
        json.dumps({**asdict(A_WORKER), "away": {"database": None}}),
        json.dumps({**asdict(A_WORKER), "refused": {"database": ["Unauthorized"]}}),
    ],
    ids=["no JSON", "list", "nothing", "deep", "holds", "count", "kind", "pid", "nan", "rate", "time", "refusal"],
)
def test_a_process_whose_words_cannot_be_read_hides_no_other(scripts: Scripts, said: str) -> None:
    scripts.run(overseeing.announce("one", A_WORKER))
    scripts.run(overseeing.announce("other", A_WORKER))
    scripts.client.hset(PROCESSES_KEY, "other", said)
    assert [each.name for each in scripts.overview().processes] == ["one"]


def test_a_process_that_says_far_more_than_ours_do_is_not_told_of(scripts: Scripts) -> None:
    scripts.run(overseeing.announce("short", A_WORKER))
    scripts.run(overseeing.announce("long", replace(A_WORKER, host="h" * 100_000)))
    assert [each.name for each in scripts.overview().processes] == ["short"]
