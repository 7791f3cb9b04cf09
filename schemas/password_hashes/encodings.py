"""The ways in which password hashes write bytes as digits. Only one spelling of any bytes counts.

The digits are checked by the pattern of the whole hash. What is left here is their number, and the bits that the last
digit has too many: an encoder leaves them zero.
"""

from __future__ import annotations

from typing import Final

BASE64_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
"""The digits of standard base64 (RFC 4648, section 4), in the order of their values."""

ADAPTED_BASE64_ALPHABET: Final = BASE64_ALPHABET.replace("+", ".")
"""The digits of passlib's base64."""

CRYPT_ALPHABET: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The digits of crypt(3) and phpass."""

BCRYPT_ALPHABET: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
"""The digits of bcrypt."""


class NotCanonicalError(ValueError):
    """The text is not what an encoder would write. The message holds none of it."""


def size_of_base64(digits: str, alphabet: str = BASE64_ALPHABET) -> int:
    """How many bytes these digits of base64 without padding stand for.

    Raises:
        NotCanonicalError: no bytes have so many digits, or bits are left over.
    """
    unused = len(digits) * 6 % 8
    if unused == 6 or alphabet.index(digits[-1]) % (1 << unused):  # noqa: PLR2004 - one digit has no whole byte
        raise NotCanonicalError
    return len(digits) * 6 // 8


def size_of_padded_base64(text: str) -> int:
    """How many bytes these digits of standard base64 with padding stand for.

    Raises:
        NotCanonicalError: as for `size_of_base64`, or the padding is wrong.
    """
    digits = text.rstrip("=")
    if len(digits) + -len(digits) % 4 != len(text):
        raise NotCanonicalError
    return size_of_base64(digits)


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
