"""Nobody is reached who should not be, however the address is spelled."""

from __future__ import annotations

import itertools
from ipaddress import ip_address, ip_network

import pytest

from notifier.endpoints.endpoint_url import UrlFault, parse_endpoint_url
from notifier.sending.addresses import refusal_of, refusal_of_text
from tests.notifier.sending import hostile

PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"),
    *("168.63.129.15", "168.63.129.17", "192.0.1.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
    *("2606:4700:4700::1111", "2001:4860:4860::8888", "2001:200::1", "2400:cb00::1", "2a00:1450::1", "3ffe::1"),
    *("64:ff9b::808:808", "64:ff9b::1.1.1.1"),
]


def _known(cases: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(address, reason) for reason, addresses in cases.items() for address in addresses]


@pytest.mark.parametrize(("address", "reason"), _known(hostile.ADDRESSES), ids=str)
def test_an_address_that_is_not_for_everybody_is_refused_and_the_reason_told(address: str, reason: str) -> None:
    assert refusal_of_text(address) == reason


@pytest.mark.parametrize(("address", "reason"), hostile.THROUGH_NAT64.items(), ids=str)
def test_an_address_through_nat64_is_judged_by_what_it_becomes(address: str, reason: str) -> None:
    assert refusal_of_text(address) == reason


@pytest.mark.parametrize("text", hostile.NO_ADDRESSES, ids=ascii)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert refusal_of_text(text) == "no_address"


@pytest.mark.parametrize("host", hostile.HOSTS, ids=ascii)
@pytest.mark.parametrize("end", ["", "/hooks"], ids=["bare", "with a path"])
def test_a_host_in_another_than_its_usual_spelling_is_refused(host: str, end: str) -> None:
    with pytest.raises(UrlFault):
        parse_endpoint_url(f"https://{host}{end}")


@pytest.mark.parametrize("url", hostile.URLS, ids=ascii)
def test_a_url_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(UrlFault):
        parse_endpoint_url(url, allow_http=True)


def test_there_are_more_hostile_spellings_than_anybody_would_try_by_hand() -> None:
    spellings = [*hostile.HOSTS, *hostile.URLS, *hostile.NO_ADDRESSES, *hostile.THROUGH_NAT64]
    assert len({*spellings, *itertools.chain(*hostile.ADDRESSES.values())}) >= 350


@pytest.mark.parametrize("address", PUBLIC)
def test_an_ordinary_address_of_the_internet_is_taken(address: str) -> None:
    assert refusal_of_text(address) is None


def test_an_address_of_a_network_that_is_allowed_is_taken_and_no_other() -> None:
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")]
    assert refusal_of(ip_address("10.1.2.3"), allowed=allowed) is None
    assert refusal_of(ip_address("fd00:1::5"), allowed=allowed) is None
    assert refusal_of(ip_address("10.2.0.1"), allowed=allowed) == "private"
    assert refusal_of(ip_address("::ffff:10.1.2.3"), allowed=allowed) == "translation"
    assert refusal_of(ip_address("64:ff9b::a01:203"), allowed=allowed) == "private"


@pytest.mark.parametrize(
    "last", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(7, marks=pytest.mark.slow), 255]
)
def test_what_python_itself_takes_for_local_is_never_taken(last: int) -> None:
    """The judge has lists of its own. No address that the standard library knows as local may slip through them."""
    for first in range(256):
        for second in range(256):
            address = ip_address(bytes([first, second, last, last]))
            if not address.is_global or address.is_multicast or address.is_reserved:
                # AS112 and AMT are global by IANA's list; some releases of Python say otherwise.
                assert refusal_of(address) is not None, address
