"""The bytes of a chunk's content, and the bytes of its results."""

from __future__ import annotations

import dataclasses
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretBytes

from schemas import outcome as outcomes
from schemas.batch.compression import ExpansionError, compress, expand
from schemas.batch.content import (
    ChunkContent,
    ContentFormatError,
    Mode,
    UnknownContentVersionError,
    compressed,
    pack,
    unpack,
)
from schemas.batch.row_results import is_failed, pack_results, rendered, unpack_results
from schemas.customer import Fault
from schemas.ids import IdDeriver, is_task_id
from schemas.outcome import Outcome

CONTENT = ChunkContent(
    caller="cäller",
    name="a name",
    mode=Mode.CREATE,
    may_import=True,
    rows=(b'{"password":"s3cret"}', "ünïcode".encode()),
    too_long=(1,),
    longest_row_bytes=262_144,
)


def test_content_that_is_packed_and_unpacked_is_the_same() -> None:
    assert unpack(compressed(pack(CONTENT))) == CONTENT


def test_the_repr_of_content_shows_no_row() -> None:
    assert "s3cret" not in repr(CONTENT)


@pytest.mark.parametrize(
    "change",
    [
        {"caller": "another"},
        {"name": "another"},
        {"mode": Mode.VALIDATE, "batch_id": "b"},
        {"may_import": False},
        {"rows": (b"another",), "too_long": ()},
    ],
)
def test_chunks_of_different_content_have_different_ids(change: dict[str, object]) -> None:
    ids = IdDeriver(SecretBytes(b"k" * 32))
    other = dataclasses.replace(CONTENT, **change)  # type: ignore[arg-type]
    one, another, later = (
        ids.chunk_id(pack(CONTENT), generation=0),
        ids.chunk_id(pack(other), generation=0),
        ids.chunk_id(pack(CONTENT), generation=1),
    )
    assert len({one, another, later, ids.part_id(chunk_id=one, first=0, end=2)}) == 4
    assert is_task_id(one)


def test_a_row_is_the_same_signup_where_caller_and_name_and_bytes_are_the_same() -> None:
    ids = IdDeriver(SecretBytes(b"k" * 32))
    same = {ids.row_customer_id(caller="c", name="n", row=b"row") for _ in range(2)}
    others = {
        ids.row_customer_id(caller="d", name="n", row=b"row"),
        ids.row_customer_id(caller="c", name="m", row=b"row"),
        ids.row_customer_id(caller="c", name="n", row=b"wor"),
        ids.customer_id(task_id="c", fingerprint="n"),
    }
    assert (len(same), len(same | others)) == (1, 5)
    assert len(ids.email_claim(batch_id="b", email_key="e")) == 10


def test_ids_and_packed_content_stay_as_they_are() -> None:
    """Rows that were in before are recognised by these bytes: they must not change from release to release."""
    ids = IdDeriver(SecretBytes(b"k" * 32))
    packed = pack(CONTENT)
    assert packed == (
        b'{"caller":"c\\u00e4ller","name":"a name","mode":"create","may_import":true,"batch_id":"","too_long":[1],'
        b'"longest_row_bytes":262144}\n{"password":"s3cret"}\n\xc3\xbcn\xc3\xafcode'
    )
    chunk_id = ids.chunk_id(packed, generation=0)
    assert chunk_id == "3VamfWzC3FMniTbvb7MojV"
    assert ids.part_id(chunk_id=chunk_id, first=0, end=128) == "35nmwf6c8tiKqsVV8ZsWQB"
    assert ids.row_customer_id(caller="c", name="n", row=b"row") == "0vMx0WLXbfr6ddd2p"
    assert ids.email_claim(batch_id="b", email_key="a@b.example").hex() == "0baaed10bf75821ede96"


@pytest.mark.parametrize(
    "damaged",
    [
        b"\x01",
        b"\x01junk",
        compressed(pack(CONTENT))[:-3],
        compressed(b"[]"),
        compressed(b"["),
        compressed(b"[" * 1_000_000),
        compressed(pack(CONTENT).replace(b"create", b"destroy")),
    ],
    ids=["empty", "not compressed", "cut off", "a list", "not JSON", "nested too deeply", "of no mode"],
)
def test_bytes_that_are_no_content_are_refused_and_not_repeated(damaged: bytes) -> None:
    with pytest.raises(ContentFormatError) as caught:
        unpack(damaged)
    assert "junk" not in str(caught.value)


def test_content_of_a_newer_release_is_told_from_damaged_content() -> None:
    with pytest.raises(UnknownContentVersionError):
        unpack(b"\x02" + compressed(pack(CONTENT))[1:])


def test_compressed_bytes_expand_no_further_than_they_may() -> None:
    bomb = compress(b"0" * 10_000_000)
    assert len(bomb) < 2000
    with pytest.raises(ExpansionError):
        expand(bomb, most_bytes=1_000_000)
    assert len(expand(bomb, most_bytes=10_000_000)) == 10_000_000
    with pytest.raises(ExpansionError):
        expand(compress(b"one") + b"more", most_bytes=100)


def test_a_frame_that_asks_for_a_large_window_is_refused() -> None:
    """The frame holds one byte. The memory would be taken for its window."""

    def frame(window_log: int) -> bytes:
        return b"\x28\xb5\x2f\xfd\x00" + bytes([(window_log - 10) << 3]) + b"\x09\x00\x00x"

    assert expand(frame(20), most_bytes=100) == b"x"
    with pytest.raises(ExpansionError):
        expand(frame(27), most_bytes=100)


def test_content_of_the_largest_row_can_be_read() -> None:
    content = dataclasses.replace(
        CONTENT, rows=(random.Random(1).randbytes(8 * 1024 * 1024).replace(b"\n", b""),), too_long=()
    )
    assert unpack(compressed(pack(content))) == content


# With characters at which other programs end a line: U+0085, U+2028, a form feed.
TEXT = st.text(st.one_of(st.sampled_from('\n\r"\\\x0b\x0c\x85\u2028'), st.characters(codec="utf-8")), max_size=20)


@given(texts=st.lists(TEXT, min_size=1, max_size=20), first=st.integers(1, 10**9), known=st.booleans())
def test_an_outcome_is_one_line_whatever_text_is_in_it(texts: list[str], first: int, known: bool) -> None:
    given_outcomes: list[Outcome] = [
        each
        for text in texts
        for each in (
            Outcome(ok=True, customer={"email": text, "tags": [text]}),
            outcomes.validation_error([Fault(field=text, message=text)]),
        )
    ]
    results = unpack_results(pack_results(given_outcomes))
    for number, (result, outcome) in enumerate(zip(results, given_outcomes, strict=True), first):
        line = rendered(result, row=number, known=known)
        assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
        repeated = {"repeated": True} if known and outcome["ok"] else {}
        assert json.loads(line) == {"row": number, **repeated, **outcome}
        assert is_failed(result) is not outcome["ok"]


def test_a_result_has_the_number_of_its_row_s_line() -> None:
    customer = {"id": "c1", "email": "ü@b.example"}
    results = unpack_results(
        pack_results(
            [
                {"ok": True, "customer": customer},
                outcomes.duplicate_key("a@b.example"),
                {"ok": True, "repeated": True, "customer": customer},
                outcomes.valid(),
                outcomes.canceled(),
            ]
        )
    )
    assert [is_failed(each) for each in results] == [False, True, False, False, True]
    assert rendered(results[0], row=17, known=False).decode() == (
        '{"row":17,"ok":true,"customer":{"id":"c1","email":"ü@b.example"}}\n'
    )
    assert rendered(results[0], row=17, known=True).startswith(b'{"row":17,"ok":true,"repeated":true,"customer":{')
    for result in results[1:]:
        assert rendered(result, row=2, known=True) == rendered(result, row=2, known=False)
    assert rendered(results[4], row=5, known=False) == b'{"row":5,"ok":false,"error":"canceled"}\n'
