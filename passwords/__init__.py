"""Passwords: how they are hashed, and how a login verifies what is stored. Knows no server and no queue."""

from __future__ import annotations

from passwords.cost import TODAY, PasswordCost
from passwords.login import Verification, verify
from passwords.verifying.firebase_scrypt import FirebaseKey

__all__ = ["TODAY", "FirebaseKey", "PasswordCost", "Verification", "verify"]
