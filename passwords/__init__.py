"""Passwords: how they are hashed, and how a login verifies what is stored. Knows no server and no queue."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from passwords.cost import TODAY, PasswordCost
    from passwords.login import Verification, verify
    from passwords.verifying.firebase_scrypt import FirebaseKey

__all__ = ["TODAY", "FirebaseKey", "PasswordCost", "Verification", "verify"]

_HOMES: Final = {
    "TODAY": "passwords.cost",
    "PasswordCost": "passwords.cost",
    "Verification": "passwords.login",
    "verify": "passwords.login",
    "FirebaseKey": "passwords.verifying.firebase_scrypt",
}
"""The module of each name."""


def __getattr__(name: str) -> Any:
    """Import a name's module when somebody asks for the name (PEP 562).

    A worker hashes and verifies nothing. It need not load the libraries of every scheme that a login may meet: a tenth
    of the time in which it starts.
    """
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(_HOMES[name]), name)
