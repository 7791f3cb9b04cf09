"""The kinds of text that a request for a customer holds, each with its own checks.

A fault that they raise never holds what was sent.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, Discriminator, Field, SecretStr, Tag, ValidationInfo
from pydantic_core import PydanticCustomError

from schemas.password_hashes.fast_hashes import read_fast_hash
from schemas.password_hashes.parsing import PLAIN_RULES, HashRules, parse_password_hash
from schemas.password_hashes.refusals import MAXIMUM_CHARACTERS as MAXIMUM_HASH_CHARACTERS
from schemas.password_hashes.refusals import PasswordHashError
from schemas.password_hashes.wrapped import scheme_of_wrapped

if TYPE_CHECKING:
    from schemas.password_hashes.digests import Digest

MAXIMUM_TEXT_CHARACTERS: Final = 1024
"""Of one text: a name, a tag, a line of an address."""

MAXIMUM_ADDRESS_LINES: Final = 100
"""Of one address."""

_INVISIBLE_LETTERS: Final = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that show nothing although Unicode calls them letters or symbols: fillers and the braille blank."""


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise PydanticCustomError("nul_character", "String should not contain U+0000")
    return text


def _visible(text: str) -> str:
    _without_nul(text)
    first = text[:1]
    if first.isascii() and first.isalnum():
        # Nearly every text begins so. The search below would take a tenth of the time that a row of a batch takes the
        # worker.
        return text
    # Letters, numbers, punctuation and symbols show; marks, separators, controls and unassigned code points do not.
    if not any(unicodedata.category(char)[0] in "LNPS" and char not in _INVISIBLE_LETTERS for char in text):
        raise PydanticCustomError("no_visible_character", "String should have at least one visible character")
    return text


def _visible_secret(secret: SecretStr) -> SecretStr:
    _visible(secret.get_secret_value())
    return secret


OptionalText = Annotated[str, Field(max_length=MAXIMUM_TEXT_CHARACTERS), AfterValidator(_without_nul)]
RequiredText = Annotated[str, Field(min_length=1, max_length=MAXIMUM_TEXT_CHARACTERS), AfterValidator(_visible)]


class ImportedHash(SecretStr):
    """A password hash that was parsed whole: nobody needs to parse it again.

    Attributes:
        scheme: how the hash will be called that is stored.
        digest: the fast hash that must be wrapped before it is stored. None where the text is stored as it is.
    """

    def __init__(self, text: str, *, scheme: str, digest: Digest | None = None) -> None:
        super().__init__(text)
        self.scheme = scheme
        self.digest = digest


def _importable(secret: SecretStr, info: ValidationInfo) -> ImportedHash:
    text = secret.get_secret_value()
    rules = info.context if isinstance(info.context, HashRules) else PLAIN_RULES
    digest = read_fast_hash(text) if rules.wraps_fast_hashes else None
    if digest is not None:
        return ImportedHash(text, scheme=scheme_of_wrapped(digest.steps), digest=digest)
    try:
        scheme = parse_password_hash(text, rules)
    except PasswordHashError as error:
        raise PydanticCustomError("password_hash", "{reason}", {"reason": str(error)}) from None
    return ImportedHash(text, scheme=scheme)


Password = Annotated[
    SecretStr, Field(min_length=1, max_length=MAXIMUM_TEXT_CHARACTERS), AfterValidator(_visible_secret)
]
PasswordHashText = Annotated[
    # The parser checks the length too. pydantic's message would say how long the hash was.
    SecretStr, Field(json_schema_extra={"maxLength": MAXIMUM_HASH_CHARACTERS}), AfterValidator(_importable)
]

TEXT_TAG: Final = "text"
"""Marks an `address_2` that is a string."""
LINES_TAG: Final = "lines"
"""Marks an `address_2` that is an array."""


def _address_lines_tag(value: object) -> str | None:
    return TEXT_TAG if isinstance(value, str) else LINES_TAG if isinstance(value, list) else None


AddressLines = Annotated[
    Annotated[OptionalText, Tag(TEXT_TAG)]
    | Annotated[list[OptionalText], Field(max_length=MAXIMUM_ADDRESS_LINES), Tag(LINES_TAG)],
    Discriminator(
        _address_lines_tag,
        custom_error_type="text_or_lines",
        custom_error_message="Input should be a valid string or a list of strings",
    ),
]
