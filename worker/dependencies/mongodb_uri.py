"""The URI of MongoDB. Faults that pymongo would refuse, or only warn of, are found before the URI is used.

They are reported in words of our own: pymongo's repeat pieces of the URI, and so of the password in it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.common import VALIDATORS, validate

from startup.environment import PLACEHOLDER, is_placeholder

if TYPE_CHECKING:
    from startup.environment import EnvironmentReader

DEFAULT_URI: Final = "mongodb://127.0.0.1:27017/?replicaSet=rs0"
"""A replica set of one on this machine."""

_SCHEMES: Final = ("mongodb://", "mongodb+srv://")
"""How a URI of MongoDB starts."""

_HINT: Final = "special characters in its user name and password must be percent-encoded ('@' is %40, '/' is %2F)"
"""The most common fault of a URI."""

_LONGEST_NAME_BYTES: Final = 63
"""How long the name of a database may be."""

_NOT_IN_NAMES: Final = frozenset('/\\. "$*<>:|?')
"""On no system may the name of a database hold these (MongoDB's manual, "Naming Restrictions")."""


def read_mongodb_uri(reader: EnvironmentReader) -> SecretStr:
    """`MONGODB_URI`, or the content of the file that `MONGODB_URI_FILE` names."""
    uri = reader.secret_text("MONGODB_URI", DEFAULT_URI)
    fault = _fault_of(uri)
    if fault:
        reader.fault("MONGODB_URI", fault)
    return SecretStr(uri)


def read_database_name(reader: EnvironmentReader) -> str:
    """`MONGODB_DATABASE`."""
    name = reader.text("MONGODB_DATABASE", "customer_intake")
    # What the environment holds besides UTF-8 is in surrogates, of each of which this makes one byte.
    encoded = name.encode(errors="replace")
    if _NOT_IN_NAMES & set(name) or encoded.decode() != name or len(encoded) > _LONGEST_NAME_BYTES:
        rule = f'must be at most {_LONGEST_NAME_BYTES} bytes of UTF-8, without space or any of /\\."$*<>:|?'
        reader.fault("MONGODB_DATABASE", rule)
    return name


def _fault_of(uri: str) -> str:
    """What is wrong with the URI, as the end of a sentence that starts with the variable's name. Empty: nothing is."""
    if not uri.startswith(_SCHEMES):
        return f"must be a URI that starts with {' or '.join(_SCHEMES)}"
    rest = uri.partition("://")[2]
    authority = rest.partition("?")[0].partition("/")[0]
    if "@" in authority and any(map(is_placeholder, authority.rpartition("@")[0].split(":", 1))):
        return f"has {PLACEHOLDER}; {_HINT}"
    # An '@' further back means that the password has a '/' or a '?'. What looks like the host is a piece of it.
    if "@" not in rest[len(authority) :] and _is_usable(uri):
        return ""
    options = ", ".join(_options_refused(rest.partition("?")[2]))
    if options:
        return f"has options with values that MongoDB's driver does not take: {options}"
    return f"is no URI with hosts and options that MongoDB's driver knows; {_HINT}"


def _is_usable(uri: str) -> bool:
    with warnings.catch_warnings():
        # pymongo would only warn of an option that it does not know or whose value it does not accept.
        warnings.simplefilter("error")
        try:
            # This neither connects nor resolves a name.
            client: MongoClient[dict[str, Any]] = MongoClient(uri, connect=False)
        except Exception:  # noqa: BLE001 - pymongo raises what it likes here, and none of its texts may be seen
            return False
        client.close()
        return True


def _options_refused(query: str) -> list[str]:
    """Options whose values pymongo refuses. Unknown names are left out: they may be pieces of a password."""
    refused = []
    for option in query.split("&"):
        name, _, value = option.partition("=")
        known = next((each for each in VALIDATORS if each.lower() == name.lower()), None)
        if known is None:
            continue
        try:
            validate(known, unquote_plus(value))
        except Exception:  # noqa: BLE001 - as above
            refused.append(known)
    return refused
