"""An endpoint: who is sent which events, and how they are signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import SecretBytes

    from notifier.endpoints.endpoint_url import EndpointUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One receiver of events."""

    name: str
    """What the operator calls it. Its state in Redis belongs to this name."""
    url: EndpointUrl
    secrets: tuple[SecretBytes, ...]
    """Each of them signs, so that a receiver may know the old or the new one while they are exchanged."""
    types: frozenset[str] | None
    """The types of events that it is sent. None for all."""
    callers: frozenset[str] | None
    """The callers of whose tasks it is told. None for all."""
    is_strict: bool
    """Whether it is sent one event at a time, in order: an event that fails holds up those behind it."""
