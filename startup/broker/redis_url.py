"""Parses the URL of Redis once. No library ever gets the URL, so none can repeat its password in an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from pydantic import SecretStr

from startup.broker.tls_files import FILE_OPTIONS, fault_of_files

_DEFAULT_PORT: Final = 6379
"""Redis' port where the URL names none."""
_MAXIMUM_PORT: Final = 65535
"""The highest number of a port."""
_MAXIMUM_DATABASE: Final = 1_000_000
"""A bound for the number of a database; Redis itself has far fewer."""

_TEXT: Final = r"(?:[!\"$&'()*+,.0-9;<=>A-Z^_`a-z{|}~\\-]|%[0-9A-Fa-f]{2})*+"
"""Characters of a user name or, together with colons, of a password. None of them can end a part of the URL."""

_AUTHORITY: Final = re.compile(
    rf"(?:(?P<username>{_TEXT})(?::(?P<password>(?:{_TEXT}:)*+{_TEXT}))?@)?"
    r"(?P<host>[0-9A-Za-z][0-9A-Za-z._-]*|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
"""User, password, host and port of a URL."""
_DATABASE: Final = re.compile(r"[0-9]{0,7}")
"""The number of a database as text."""

_HINT: Final = "special characters in its user name and password must be percent-encoded ('#' is %23, '/' is %2F)"
"""What most often makes a URL unreadable."""


class RedisUrlFault(ValueError):  # noqa: N818 - a sentence for the settings' faults, completed by the variable's name
    """What is wrong with the URL. The text completes a sentence that starts with the variable's name.

    It repeats no part of the URL.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUrl:
    """The address of Redis, and how to log in. The repr shows neither the user nor the password."""

    host: str
    port: int
    database: int
    username: str | None = field(default=None, repr=False)
    password: SecretStr | None = field(default=None, repr=False)
    tls: bool = False
    tls_files: tuple[tuple[str, str], ...] = ()
    """redis-py's name of each option, and the path of its PEM file."""

    @property
    def address(self) -> str:
        """The URL without user and password. It may be shown."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}/{self.database}"

    def credentials(self) -> dict[str, Any]:
        """The arguments of redis-py's connections for user and password."""
        return {
            "username": self.username,
            "password": None if self.password is None else self.password.get_secret_value(),
        }

    def tls_arguments(self) -> dict[str, Any]:
        """The arguments of redis-py's TLS connections. Empty without TLS."""
        if not self.tls:
            return {}
        return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **dict(self.tls_files)}

    def arguments(self) -> dict[str, Any]:
        """All arguments of redis-py's connections that come from the URL."""
        return {
            "host": self.host,
            "port": self.port,
            "db": self.database,
            **self.credentials(),
            **self.tls_arguments(),
        }


def parse_redis_url(text: str) -> RedisUrl:
    """The URL's parts, `redis[s]://[[user][:password]@]host[:port][/database][?options]`.

    Raises:
        RedisUrlFault: The text is no such URL, or it looks as if a password in it was not percent-encoded.
    """
    scheme, found, rest = text.partition("://")
    if not found or scheme not in {"redis", "rediss"}:
        raise RedisUrlFault("must be a URL that starts with redis:// or rediss://")
    rest, _, query = rest.partition("?")
    authority, _, database = rest.partition("/")
    parts = _AUTHORITY.fullmatch(authority)
    # An '@' further back means that the password holds a '/' or a '?'. The host would then be a piece of the password.
    if parts is None or "@" in database + query or not _DATABASE.fullmatch(database):
        raise RedisUrlFault(f"must be a URL like {scheme}://user:password@host:6379/0; {_HINT}")
    port, number = int(parts["port"] or _DEFAULT_PORT), int(database or 0)
    if not 1 <= port <= _MAXIMUM_PORT or number > _MAXIMUM_DATABASE:
        raise RedisUrlFault(f"names a port or a database that cannot be; {_HINT}")
    password = _decoded(parts["password"])
    return RedisUrl(
        host=parts["host"].strip("[]"),
        port=port,
        database=number,
        username=_decoded(parts["username"]),
        password=None if password is None else SecretStr(password),
        tls=scheme == "rediss",
        tls_files=_files(query, tls=scheme == "rediss"),
    )


def _decoded(encoded: str | None) -> str | None:
    if not encoded:
        return None
    try:
        return unquote(encoded, errors="strict")
    except UnicodeDecodeError:
        raise RedisUrlFault(f"has a percent sign that does not begin an encoded character; {_HINT}") from None


def _files(query: str, *, tls: bool) -> tuple[tuple[str, str], ...]:
    files = []
    for option in filter(None, query.split("&")):
        name, _, value = option.partition("=")
        # An unknown name is not repeated: it may be a piece of a password.
        if name not in FILE_OPTIONS or not tls:
            raise RedisUrlFault(f"has an option other than {', '.join(FILE_OPTIONS)} (with rediss:// alone); {_HINT}")
        try:
            path = unquote(value, errors="strict")
            with Path(path).open("rb"):
                files.append((name, path))
        except (OSError, ValueError) as error:
            raise RedisUrlFault(f"names in {name} a file that cannot be read ({type(error).__name__})") from None
    if (fault := fault_of_files(dict(files))) is not None:
        raise RedisUrlFault(fault)
    return tuple(files)
