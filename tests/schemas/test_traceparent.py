"""`traceparent` is read as W3C Trace Context says, and a share of new traces is sampled by their ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.traceparent import Sampling, TraceContext, parse_traceparent

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (f"00-{TRACE_ID}-{SPAN_ID}-00", 0),
        (f"00-{TRACE_ID}-{SPAN_ID}-01", 1),
        (f"00-{TRACE_ID}-{SPAN_ID}-03", 3),
        (f"00-{TRACE_ID}-{SPAN_ID}-fd", 1),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01", 1),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01-what-comes", 1),
    ],
)
def test_what_is_well_formed_is_read(text: str, flags: int) -> None:
    assert parse_traceparent(text) == TraceContext(TRACE_ID, SPAN_ID, flags)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"00-{TRACE_ID}-{SPAN_ID}",
        f"00-{TRACE_ID}-{SPAN_ID}-01-",
        f"00-{TRACE_ID}-{SPAN_ID}-01\n",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"cc-{TRACE_ID}-{SPAN_ID}-01.what-comes",
        f"cc-{TRACE_ID}-{SPAN_ID}-01-{'x' * 512}",
        f"00-{TRACE_ID.upper()}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID[:-1]}٣-{SPAN_ID}-01",
    ],
)
def test_what_is_malformed_is_no_context(text: str) -> None:
    assert parse_traceparent(text) is None


@given(st.text(max_size=80) | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True))
def test_no_text_makes_it_raise_and_what_is_kept_is_hexadecimal(text: str) -> None:
    context = parse_traceparent(text)
    if context is not None:
        assert parse_traceparent(context.traceparent) == context
        assert len(context.traceparent) == 55


def test_a_child_is_another_span_of_the_same_trace() -> None:
    context = TraceContext(TRACE_ID, SPAN_ID, 1)
    child = context.child()
    assert (child.trace_id, child.flags) == (context.trace_id, context.flags)
    assert child.span_id != context.span_id


@pytest.mark.parametrize(("ratio", "least", "most"), [(0, 0, 0), (0.05, 20, 180), (1, 2000, 2000)])
def test_of_new_traces_that_share_is_sampled(ratio: float, least: int, most: int) -> None:
    sampling = Sampling(ratio)
    contexts = [context for _ in range(2000) if (context := sampling.new_trace()) is not None]
    assert least <= len(contexts) <= most
    assert all(each.is_sampled and parse_traceparent(each.traceparent) == each for each in contexts)
    assert all(int(each.trace_id[16:], 16) < ratio * 2**64 for each in contexts)
    assert len({each.trace_id for each in contexts}) == len(contexts)
