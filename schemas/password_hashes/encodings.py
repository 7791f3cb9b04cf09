"""The ways in which password hashes write bytes as text. A decoder accepts one spelling of any bytes alone."""

from __future__ import annotations

import base64
import binascii
from typing import Final

CRYPT_ALPHABET: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The digits of crypt(3) and phpass, in the order of their values."""

BCRYPT_ALPHABET: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""The digits of bcrypt, in the order of their values."""


class NotCanonicalError(ValueError):
    """The text is not what an encoder would write. The message holds none of it."""


def from_base64(text: str, *, padded: bool = False) -> bytes:
    """The bytes in standard base64 (RFC 4648, section 4), with or without its padding.

    Raises:
        NotCanonicalError: a digit is none, bits are left over, or the padding is wrong.
    """
    try:
        raw = base64.b64decode(text if padded else text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise NotCanonicalError from None
    written = base64.b64encode(raw).decode()
    if text != (written if padded else written.rstrip("=")):
        raise NotCanonicalError
    return raw


def from_adapted_base64(text: str) -> bytes:
    """The bytes in passlib's base64: `.` in place of `+`, and no padding.

    Raises:
        NotCanonicalError: as for `from_base64`.
    """
    if "+" in text:
        raise NotCanonicalError
    return from_base64(text.replace(".", "+"))


def leaves_no_bits(text: str, alphabet: str, *, bits: int, high_first: bool) -> bool:
    """Whether the last digit uses only the bits that so many bits leave for it.

    Args:
        text: digits of this alphabet.
        alphabet: the 64 digits in the order of their values.
        bits: how many bits the digits stand for.
        high_first: whether the unused bits of the last digit are its low ones, as in base64 and bcrypt. In crypt(3)
            and phpass they are its high ones.
    """
    unused = 6 * len(text) - bits
    last = alphabet.index(text[-1])
    return last % (1 << unused) == 0 if high_first else last < (1 << (6 - unused))
