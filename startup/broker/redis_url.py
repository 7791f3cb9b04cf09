"""Parses the URL of Redis once. No library ever gets the URL, so none can repeat its password in an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from pydantic import SecretStr

from startup.broker.sentinels import Sentinels
from startup.broker.tls_files import FILE_OPTIONS, fault_of_files
from startup.environment import PLACEHOLDER, is_placeholder

_SCHEMES: Final = {"redis": False, "rediss": True, "valkey": False, "valkeys": True}
"""How a URL may begin, and whether that means TLS. Valkey speaks Redis' protocol."""
_WITH_SENTINELS: Final = "+sentinel"
"""What stands behind one of these where the hosts are those of Sentinels."""

_DEFAULT_PORT: Final = 6379
"""Redis' port where the URL names none."""
_DEFAULT_SENTINEL_PORT: Final = 26379
"""A Sentinel's port where the URL names none."""
_MAXIMUM_PORT: Final = 65535
"""The highest number of a port."""
_MAXIMUM_DATABASE: Final = 1_000_000
"""A bound for the number of a database; Redis itself has far fewer."""

_TEXT: Final = r"(?:[!\"$&'()*+,.0-9;<=>A-Z^_`a-z{|}~\\-]|%[0-9A-Fa-f]{2})*+"
"""Characters of a user name or, together with colons, of a password. None of them can end a part of the URL."""

_AUTHORITY: Final = re.compile(rf"(?:(?P<username>{_TEXT})(?::(?P<password>(?:{_TEXT}:)*+{_TEXT}))?@)?(?P<hosts>[^@]*)")
"""User, password and hosts of a URL."""
_HOST: Final = re.compile(r"(?P<host>[0-9A-Za-z][0-9A-Za-z._-]*|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
"""One host, with its port."""
_DATABASE: Final = re.compile(r"[0-9]{0,7}")
"""The number of a database as text."""
_NAME: Final = re.compile(r"[0-9A-Za-z._-]+")
"""The name of a primary. A Sentinel takes no other characters in it."""

_LONGEST_LABEL: Final = 63
"""The most characters between two dots of a host's name."""

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
    """With Sentinels it is the primary's name, and nobody connects to it."""
    port: int
    database: int
    username: str | None = field(default=None, repr=False)
    password: SecretStr | None = field(default=None, repr=False)
    tls: bool = False
    tls_files: tuple[tuple[str, str], ...] = ()
    """redis-py's name of each option, and the path of its PEM file."""
    sentinels: Sentinels | None = None
    """Who knows where the primary is. None where the host is Redis itself."""

    @property
    def address(self) -> str:
        """The URL without user and password, as of one server. It may be shown."""
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
    """The URL's parts.

    With one server `redis[s]://[[user][:password]@]host[:port][/database][?options]`, with Sentinels
    `redis[s]+sentinel://[[user][:password]@]host[:port][,host[:port]…]/name[/database][?options]`.

    Raises:
        RedisUrlFault: The text is no such URL, or it looks as if a password in it was not percent-encoded.
    """
    scheme, found, rest = text.partition("://")
    product, with_sentinels = scheme.removesuffix(_WITH_SENTINELS), scheme.endswith(_WITH_SENTINELS)
    if not found or product not in _SCHEMES:
        raise RedisUrlFault("must be a URL that starts with redis://, rediss://, or one of these with +sentinel")
    tls = _SCHEMES[product]
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    name, _, database = path.partition("/") if with_sentinels else ("", "", path)
    parts = _AUTHORITY.fullmatch(authority)
    texts = parts["hosts"].split(",") if parts and with_sentinels else [parts["hosts"]] if parts else []
    hosts = [_HOST.fullmatch(each) for each in texts]
    # An '@' further back means that the password holds a '/' or a '?'. The host would then be a piece of the password.
    fits = "@" not in path + query and _DATABASE.fullmatch(database) and bool(_NAME.fullmatch(name)) == with_sentinels
    if parts is None or None in hosts or not fits:
        example = "host:26379,host:26379/name/0" if with_sentinels else "host:6379/0"
        raise RedisUrlFault(f"must be a URL like {scheme}://user:password@{example}; {_HINT}")
    if any(is_placeholder(each or "") for each in (parts["username"], parts["password"])):
        raise RedisUrlFault(f"has {PLACEHOLDER}; {_HINT}")
    default_port = _DEFAULT_SENTINEL_PORT if with_sentinels else _DEFAULT_PORT
    addresses = tuple((each["host"].strip("[]"), int(each["port"] or default_port)) for each in hosts if each)
    number = int(database or 0)
    if not all(1 <= port <= _MAXIMUM_PORT for _, port in addresses) or number > _MAXIMUM_DATABASE:
        raise RedisUrlFault(f"names a port or a database that cannot be; {_HINT}")
    if not all(map(_can_be_a_name, (host for host, _ in addresses))):
        raise RedisUrlFault(f"names a host that cannot be; {_HINT}")
    password = _decoded(parts["password"])
    host, port = (name, _DEFAULT_PORT) if with_sentinels else addresses[0]
    return RedisUrl(
        host=host,
        port=port,
        database=number,
        username=_decoded(parts["username"]),
        password=None if password is None else SecretStr(password),
        tls=tls,
        tls_files=_files(query, tls=tls),
        sentinels=Sentinels(addresses=addresses, name=name) if with_sentinels else None,
    )


def _can_be_a_name(host: str) -> bool:
    """Whether a resolver can be asked for this host. Otherwise Python raises what no library of ours expects."""
    return all(0 < len(each) <= _LONGEST_LABEL for each in host.removesuffix(".").split("."))


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
