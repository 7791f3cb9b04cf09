"""Why a token is refused: a code for the log, and a sentence for whoever sent it.

Each code has one fixed sentence, which repeats nothing of the token. Faults of claims, such as an expiry in the past,
are told only where the signature is good.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class TokenFault(StrEnum):
    """What is wrong with a call's token."""

    MISSING = "missing"
    """The call carries no bearer token at all."""
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    NO_EXPIRY = "no_expiry"
    NO_SUBJECT = "no_subject"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_ISSUER = "wrong_issuer"
    NO_KEYS = "no_keys"
    """No fault of the token: the keys that it would be verified with have not been fetched yet."""


DESCRIPTIONS: Final = {
    TokenFault.TOO_LARGE: "The token is larger than 4 KiB",
    TokenFault.MALFORMED: "The token is malformed",
    TokenFault.UNSUPPORTED_ALGORITHM: "The token is signed with an algorithm that is not taken here",
    TokenFault.UNKNOWN_KEY: "The token is signed with a key that is not known here",
    TokenFault.BAD_SIGNATURE: "The signature does not fit the token",
    TokenFault.EXPIRED: "The token has expired",
    TokenFault.NOT_YET_VALID: "The token is not valid yet",
    TokenFault.NO_EXPIRY: "The token lacks the claim exp",
    TokenFault.NO_SUBJECT: "The token lacks a usable claim sub",
    TokenFault.WRONG_AUDIENCE: "The token is meant for another audience",
    TokenFault.WRONG_ISSUER: "The token is from an issuer that is not trusted here",
}
"""The `error_description` of RFC 6750 for each fault. `MISSING` and `NO_KEYS` have none."""
