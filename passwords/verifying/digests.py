"""Digests without a cost, and the argon2id hashes that the worker makes of them."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from passwords.verifying import argon2
from schemas.password_hashes.digests import computed
from schemas.password_hashes.wrapped import read_wrapped

if TYPE_CHECKING:
    from schemas.password_hashes.digests import Digest


def matches(password: bytes, digest: Digest) -> bool:
    """Whether this is the password of a digest."""
    return hmac.compare_digest(computed(digest.steps, password), digest.hexadecimal)


def matches_wrapped(password: bytes, stored: str) -> bool:
    """Whether this is the password of `$wrapped$…`: argon2id of the digest that the steps make of the password."""
    wrapped = read_wrapped(stored)
    return wrapped is not None and argon2.matches(computed(wrapped.steps, password).encode(), wrapped.argon2)
