"""Endpoints as text for a person, and as JSON for a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from schemas.protocol.webhook_keys import EndpointField

if TYPE_CHECKING:
    from schemas.protocol.steps.delivering import EndpointState

ENDPOINTS_HEADER: Final = (
    f"{'ENDPOINT':20}  {'STATE':14}  {'WAITING':>8}  {'OLDEST':>8}  {'DELIVERED':>10}  {'GIVEN UP':>8}  LAST"
)
"""What stands above the lines of endpoints."""

_UNITS: Final = (("d", 86400), ("h", 3600), ("min", 60))
"""Units of time, the longest first."""


def endpoint_line(name: str, state: EndpointState | None, *, is_in_file: bool | None) -> str:
    """One endpoint of a list."""
    if state is None:
        return f"{name:20}  not seen by the notifier yet"
    counts = (state.count(EndpointField.DELIVERED), state.count(EndpointField.GIVEN_UP))
    last = state.fields.get(EndpointField.LAST_OUTCOME, "-")
    return (
        f"{name:20}  {_state(state):14}  {state.waiting:8,}  {_age(state.oldest_seconds):>8}"
        f"  {counts[0]:10,}  {counts[1]:8,}  {last}{'' if is_in_file is not False else '  (not in the file)'}"
    )


def endpoint_dict(name: str, state: EndpointState | None, *, is_in_file: bool | None) -> dict[str, Any]:
    """All that is known of an endpoint."""
    if state is None:
        return {"endpoint": name, "state": "unknown", "in_file": is_in_file}
    return {
        "endpoint": name,
        "state": "on" if state.off_reason is None else "off",
        "off_reason": state.off_reason,
        "off_seconds": state.ago_seconds(EndpointField.OFF_AT),
        "failing_seconds": state.ago_seconds(EndpointField.FAILING_SINCE),
        "waiting": state.waiting,
        "oldest_seconds": state.oldest_seconds,
        "delivered": state.count(EndpointField.DELIVERED),
        "failed_tries": state.count(EndpointField.FAILED),
        "given_up": state.count(EndpointField.GIVEN_UP),
        "missing": state.count(EndpointField.MISSING),
        "last_outcome": state.fields.get(EndpointField.LAST_OUTCOME),
        "last_seconds": state.ago_seconds(EndpointField.LAST_AT),
        "in_file": is_in_file,
    }


def _state(state: EndpointState) -> str:
    if state.off_reason is not None:
        return f"off: {state.off_reason}"
    return "on" if EndpointField.FAILING_SINCE not in state.fields else "on, failing"


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
