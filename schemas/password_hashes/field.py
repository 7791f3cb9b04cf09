"""The field of a request that holds a password's hash, and who may send it."""

from __future__ import annotations

from typing import Final

PASSWORD_HASH: Final = "passwordHash"  # noqa: S105 - the field's name
"""The field that stands in place of the password: a hash that another system made."""

IMPORT_SCOPE: Final = "customer:import"
"""The scope of callers that may import password hashes. No setting changes it."""
