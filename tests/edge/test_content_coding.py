"""Compressed bodies are decoded as they come, in bounded steps."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import zlib
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bodies import PayloadTooLargeError
from edge.content_coding import BrokenCodingError, gunzipped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

STEP: Final = 64 * 1024
_MOST_SECONDS: Final = 30
TEXT: Final = b"".join(b'{"number": %d}\n' % number for number in range(20_000))


def _decoded(pieces: Sequence[bytes], *, maximum_bytes: int = 1 << 30) -> list[bytes]:
    async def come() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def decode() -> list[bytes]:
        return [made async for made in gunzipped(come(), maximum_bytes=maximum_bytes)]

    return asyncio.run(decode())


@given(cuts=st.lists(st.integers(0, 60_000), max_size=20))
def test_the_body_is_the_same_however_its_bytes_are_split(cuts: list[int]) -> None:
    packed = gzip.compress(TEXT)
    ends = sorted({min(cut, len(packed)) for cut in cuts} | {0, len(packed)})
    pieces = [packed[begin:end] for begin, end in itertools.pairwise(ends)]

    assert b"".join(_decoded(pieces)) == TEXT


def test_bytes_may_come_one_by_one() -> None:
    packed = gzip.compress(TEXT[:5000])
    assert b"".join(_decoded([bytes([byte]) for byte in packed])) == TEXT[:5000]


@pytest.mark.parametrize("size", [0, 1, STEP - 1, STEP, STEP + 1, 100 * STEP, 3_000_000])
def test_no_step_makes_more_bytes_than_it_may(size: int) -> None:
    made = _decoded([gzip.compress(b"\n" * size)])

    assert b"".join(made) == b"\n" * size
    assert all(0 < len(each) <= STEP for each in made)


def test_a_body_may_have_several_members_and_zeros_behind_the_last() -> None:
    members = b"".join(gzip.compress(text) for text in (b"one", b"", b"two")) + b"\0" * 100
    for split in range(len(members)):
        assert b"".join(_decoded([members[:split], members[split:]])) == b"onetwo"


def test_a_thousand_empty_members_make_an_empty_body() -> None:
    assert _decoded([gzip.compress(b"") * 1000]) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip",
        gzip.compress(TEXT)[:-1],
        gzip.compress(TEXT)[:1000],
        gzip.compress(TEXT)[:10],
        gzip.compress(TEXT) + b"more",
        gzip.compress(TEXT)[:-8] + b"\0" * 8,
        zlib.compress(TEXT),
    ],
    ids=["empty", "text", "a byte less", "cut off", "head alone", "more behind", "checksum", "zlib"],
)
def test_a_body_that_is_no_gzip_or_ends_too_early_is_refused(body: bytes) -> None:
    with pytest.raises(BrokenCodingError):
        _decoded([body])


def test_a_body_that_makes_more_bytes_than_it_may_is_given_up_at_once() -> None:
    bomb = gzip.compress(b"\n" * 100_000_000)

    with pytest.raises(PayloadTooLargeError):
        _decoded([bomb], maximum_bytes=100_000)
    assert len(b"".join(_decoded([gzip.compress(b"x" * 100_000)], maximum_bytes=100_000))) == 100_000


def test_other_requests_have_their_turn_between_two_steps() -> None:
    async def come() -> AsyncIterator[bytes]:
        yield gzip.compress(b"\n" * (20 * STEP))

    async def decode_beside_others() -> int:
        loop, turns = asyncio.get_running_loop(), 0

        def another() -> None:
            nonlocal turns
            turns += 1
            loop.call_soon(another)

        loop.call_soon(another)
        async with asyncio.timeout(_MOST_SECONDS):
            assert await _count(gunzipped(come(), maximum_bytes=1 << 30)) == 20 * STEP
        return turns

    assert asyncio.run(decode_beside_others()) >= 20


async def _count(pieces: AsyncIterator[bytes]) -> int:
    return sum([len(piece) async for piece in pieces])
