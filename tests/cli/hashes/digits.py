"""How these tests write hashes. It shares no code with what they test."""

from __future__ import annotations

import base64
import hashlib


def base64_of(content: bytes) -> str:
    """Standard base64 without padding."""
    return base64.b64encode(content).decode().rstrip("=")


def hexadecimal(name: str, content: str) -> str:
    """A digest of a text."""
    return hashlib.new(name, content.encode()).hexdigest()
