"""URLs of endpoints. Only one spelling of a host is taken, so that every program reads the same host in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

_LONGEST: Final = 2048
"""Characters that a URL may have."""
_LONGEST_NAME: Final = 253
"""Characters that a name in the DNS may have."""

_URL: Final = re.compile(r"(https?)://([^/?#]*)(/[^?#]*)?(\?[^#]*)?(#.*)?", re.DOTALL)
"""Scheme, authority, path, query and fragment."""
_VISIBLE: Final = re.compile(r"[!-~]*")
"""ASCII without spaces and control characters."""
_UNUSUAL: Final = re.compile(r'[\\"<>^`{|}]')
"""Characters that RFC 3986 has nowhere in a URL. Programs differ in how they read them."""
_AUTHORITY: Final = re.compile(r"(\[[0-9a-f:.]*\]|[^:\[\]]*)(?::([1-9][0-9]{0,4}))?", re.IGNORECASE)
"""Host and port."""
_NAME: Final = re.compile(r"(?:(?!-)[a-z0-9_-]{1,63}(?<!-)\.)*(?!-)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A name in the DNS. Its last label begins with a letter, or it could be read as a number."""
_IPV4: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
"""What may be an IPv4 address in its usual form."""

_HTTPS_PORT: Final = 443
"""The port of a URL that begins with https and names none."""
_HTTP_PORT: Final = 80
"""The same for http."""
_LAST_PORT: Final = 65535
"""The highest port that there is."""


class UrlFault(ValueError):  # noqa: N818 - a fault of the file, as the other faults in it
    """The URL cannot be used. The text does not repeat it, since a URL may hold a secret."""


@dataclass(frozen=True, slots=True)
class EndpointUrl:
    """A URL that means the same to everybody."""

    scheme: str
    host: str
    """In small letters. An IPv6 address is without brackets."""
    port: int
    target: str = field(repr=False)
    """Path and query. They may hold a secret."""

    @property
    def is_https(self) -> bool:
        """Whether the connection is secured by TLS."""
        return self.scheme == "https"

    @property
    def host_header(self) -> str:
        """What the request names as its host. The port is left out where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (_HTTPS_PORT if self.is_https else _HTTP_PORT) else f"{host}:{self.port}"


def parse_endpoint_url(text: str, *, allow_http: bool = False) -> EndpointUrl:
    """The parts of the URL.

    Raises:
        UrlFault: it has another form than one that everybody reads alike, or it is no https URL.
    """
    if len(text) > _LONGEST:
        raise UrlFault(f"must be at most {_LONGEST} characters long")
    if not _VISIBLE.fullmatch(text) or _UNUSUAL.search(text):
        raise UrlFault("must be of visible ASCII characters, with a host in its xn-- form and others as %XX")
    match = _URL.fullmatch(text)
    if match is None or (match[1] == "http" and not allow_http):
        raise UrlFault("must begin with https://" + (" or http://" if allow_http else ""))
    scheme, authority, path, query, fragment = match.groups()
    if "@" in authority:
        raise UrlFault("must name no user or password")
    if fragment is not None:
        raise UrlFault("must have no fragment (#…)")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or int(parts[2] or 1) > _LAST_PORT:
        raise UrlFault("must name a host, and after a colon a port from 1 to 65535 or none")
    default = _HTTPS_PORT if scheme == "https" else _HTTP_PORT
    return EndpointUrl(scheme, _host(parts[1]), int(parts[2] or default), f"{path or '/'}{query or ''}")


def _host(text: str) -> str:
    host = text.lower()
    try:
        if host.startswith("["):
            return str(IPv6Address(host[1:-1]))
        if _IPV4.fullmatch(host):
            return str(IPv4Address(host))
    except AddressValueError:
        raise UrlFault("must name its host's address in the usual form") from None
    if len(host) > _LONGEST_NAME or not _NAME.fullmatch(host):
        raise UrlFault("must name its host by a name in the DNS, by an IPv4 address or by an IPv6 address in brackets")
    return host
