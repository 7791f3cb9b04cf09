"""Judges the addresses that the notifier is about to connect to. Pure: no look-up, no connection.

Whoever names an endpoint, or answers for its name in the DNS, could otherwise let the notifier call servers that only
this machine or its network can reach. So an address is refused unless it is an ordinary address of the Internet.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), reason)
    for reason, networks in {
        # Where clouds tell machines their credentials, though the address looks like any other. Those of other clouds
        # are link-local, unique-local or shared.
        "metadata": ("168.63.129.16/32",),
        "unspecified": ("0.0.0.0/8",),
        "loopback": ("127.0.0.0/8",),
        "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        "shared": ("100.64.0.0/10",),
        "link_local": ("169.254.0.0/16",),
        # 2001::/23 has Teredo, ORCHID and benchmarks. 192.88.99.0/24 was for relays of 6to4.
        "protocol": ("192.0.0.0/24", "192.88.99.0/24", "2001::/23"),
        "benchmark": ("198.18.0.0/15",),
        "documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
        "multicast": ("224.0.0.0/4",),
        "reserved": ("240.0.0.0/4",),
        "translation": ("2002::/16",),
    }.items()
    for network in networks
)
"""Networks that are not for everybody, and why (IANA's registries of special-purpose addresses)."""

_UNICAST: Final = IPv6Network("2000::/3")
"""All IPv6 addresses that were ever given to the Internet. What is outside is refused without a further look."""

_NAMED: Final[tuple[tuple[IPv6Network, str], ...]] = (
    (IPv6Network("::/128"), "unspecified"),
    (IPv6Network("::1/128"), "loopback"),
    (IPv6Network("fc00::/7"), "private"),
    (IPv6Network("fe80::/10"), "link_local"),
    (IPv6Network("ff00::/8"), "multicast"),
    # Addresses that hold an IPv4 address.
    (IPv6Network("::/96"), "translation"),
    (IPv6Network("::ffff:0:0/96"), "translation"),
    (IPv6Network("::ffff:0:0:0/96"), "translation"),
    (IPv6Network("64:ff9b:1::/48"), "translation"),
)
"""Reasons for the best known networks outside of it."""

_NAT64: Final = IPv6Network("64:ff9b::/96")
"""How a network without IPv4 names an IPv4 address (RFC 6052). The DNS of such a network gives no other addresses."""


def refusal_of(address: Address, *, allowed: Sequence[Network] = ()) -> str | None:
    """Why nothing may be sent to this address; None where it may.

    Args:
        address: as the name was resolved.
        allowed: networks that an operator allows in spite of what they are. An IPv4 network allows no IPv6 address that
            holds an IPv4 address of it.
    """
    if any(address in network for network in allowed):
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return "link_local"
        if address in _NAT64:
            return refusal_of(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _UNICAST:
            return next((reason for network, reason in _NAMED if address in network), "reserved")
    return next((reason for network, reason in _REFUSED if address in network), None)


def refusal_of_text(address: str, *, allowed: Sequence[Network] = ()) -> str | None:
    """The same for an address as a resolver writes it. What is no address is refused."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "no_address"
    return refusal_of(parsed, allowed=allowed)
