"""The URL of Redis takes any password that is percent-encoded. A fault has no piece of the password."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startup.broker.redis_clients import redis_client, redis_pool
from startup.broker.redis_url import RedisUrl, RedisUrlFault, parse_redis_url
from tests.support.certificates import Authority

if TYPE_CHECKING:
    from pathlib import Path

PASSWORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
HOSTILE = st.text(st.sampled_from("#/@?:%[]&=+ \\é€1a"), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("redis://h", "redis://h:6379/0"),
        ("redis://h/", "redis://h:6379/0"),
        ("rediss://:secret@h:6380/2", "rediss://h:6380/2"),
        ("redis://me@h", "redis://h:6379/0"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("redis://redis-1.example_a.com:1/15?", "redis://redis-1.example_a.com:1/15"),
        ("valkey://h", "redis://h:6379/0"),
        ("valkeys://h/3", "rediss://h:6379/3"),
        # With Sentinels the name stands where a host would.
        ("redis+sentinel://:secret@h,i:1/my.Primary_1-a/2", "redis://my.Primary_1-a:6379/2"),
        ("valkeys+sentinel://h/name", "rediss://name:6379/0"),
    ],
)
def test_parts_that_a_url_leaves_out_have_the_usual_values(text: str, address: str) -> None:
    assert parse_redis_url(text).address == address


@given(username=PASSWORDS, password=PASSWORDS)
def test_any_user_and_password_are_read_when_they_are_percent_encoded(username: str, password: str) -> None:
    url = parse_redis_url(f"redis://{quote(username, safe='')}:{quote(password, safe='')}@h:6379/0")
    assert url.credentials() == {"username": username, "password": password}
    assert url.address == "redis://h:6379/0"


@pytest.mark.parametrize(
    ("hosts", "addresses"),
    [
        ("h", [("h", 26379)]),
        ("h1:1,h2,[::1]:3,[::2]", [("h1", 1), ("h2", 26379), ("::1", 3), ("::2", 26379)]),
    ],
)
@pytest.mark.parametrize("scheme", ["redis", "rediss", "valkey", "valkeys"])
def test_a_url_with_sentinels_names_each_of_them(scheme: str, hosts: str, addresses: list[tuple[str, int]]) -> None:
    url = parse_redis_url(f"{scheme}+sentinel://me:pass-canary@{hosts}/name/4")
    assert url.sentinels is not None
    assert (list(url.sentinels.addresses), url.sentinels.name) == (addresses, "name")
    assert (url.database, url.tls) == (4, scheme in {"rediss", "valkeys"})
    assert url.credentials() == {"username": "me", "password": "pass-canary"}
    assert "canary" not in repr(url)


@given(password=st.one_of(HOSTILE, PASSWORDS))
def test_a_password_without_percent_encoding_is_read_unchanged_or_a_fault_that_says_what_to_do(password: str) -> None:
    text = f"redis://:{password}@h:6379/0"
    if set(password) & set("#/@?[] ") or not password.isascii() or not password.isprintable():
        with pytest.raises(RedisUrlFault, match="percent-encoded"):
            parse_redis_url(text)
    elif "%" not in password:
        assert parse_redis_url(text).credentials() == {"username": None, "password": password}


@pytest.mark.parametrize("place", ["{}", ":{}", "me:{}"])
@pytest.mark.parametrize("character", "#/@?%[] é")
@pytest.mark.parametrize("around", ["redis://{}@h:6379/0", "redis+sentinel://{}@h:26379,i/name/0"])
def test_no_piece_of_a_password_is_in_a_fault(around: str, place: str, character: str) -> None:
    password = f"canary{character}canary"
    with pytest.raises(RedisUrlFault) as caught:
        parse_redis_url(around.format(place.format(password)))
    assert "canary" not in str(caught.value)
    assert "percent-encoded" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "redis:///0",
        "redis://:6379/0",
        "redis://h:port/0",
        "redis://h:0",
        "redis://h:65536",
        "redis://h/one",
        "redis://h/1/2",
        "redis://h,i/0",
        "redis://[::1",
        "redis://user:1234/6@canary/0",
        "redis://user:1234?canary@h/0",
        "redis://h?canary=1",
        "redis://h?socket_timeout=1",
        "redis://h?ssl_ca_certs=/etc/hostname",
        "redis://:%ff@h",
        "redis+sentinel://h",
        "redis+sentinel://h/",
        "redis+sentinel://h/0/name",
        "redis+sentinel://h/canary/0/1",
        "redis+sentinel://h/canary name/0",
        "redis+sentinel://h/canary,b/0",
        "redis+sentinel:///name/0",
        "redis+sentinel://h,,i/name/0",
        "redis+sentinel://h,/name/0",
        "redis+sentinel://h;canary/name/0",
        "redis+sentinel://h:1,i:0/name/0",
        "redis+sentinel://h/name/0?canary=1",
        "redis+sentinel://h/name/0?ssl_ca_certs=/etc/hostname",
        "redis+sentinels://h/name/0",
        "redis+sentinel+sentinel://h/name/0",
        "redis://canary..h/0",
        f"redis://{'h' * 64}.canary/0",
        "redis+sentinel://h,i../name/0",
        "redis://:<canary>@h/0",
        "redis://<canary>:secret@h/0",
        "redis+sentinel://me:<canary>@h/name/0",
    ],
)
def test_any_other_text_is_a_fault_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(RedisUrlFault) as caught:
        parse_redis_url(text)
    assert "canary" not in str(caught.value)


def test_files_for_tls_are_read_when_the_process_starts(tmp_path: Path) -> None:
    Authority(tmp_path, "ca")
    url = parse_redis_url(f"rediss://h?ssl_ca_certs={tmp_path}/ca.pem")
    assert url.tls_arguments()["ssl_ca_certs"] == f"{tmp_path}/ca.pem"
    with pytest.raises(RedisUrlFault) as caught:
        parse_redis_url(f"rediss://h?ssl_ca_certs={tmp_path}/none.pem")
    assert str(caught.value) == "names in ssl_ca_certs a file that cannot be read (FileNotFoundError)"


def test_a_server_must_always_have_a_certificate_for_the_name_of_the_host() -> None:
    assert parse_redis_url("rediss://h").tls_arguments() == {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    assert parse_redis_url("redis://h").tls_arguments() == {}


def test_neither_the_url_nor_a_client_made_of_it_shows_the_password() -> None:
    url = parse_redis_url("redis://user-canary:pass-canary@h:1/0")
    shown = repr(url) + str(url) + repr(redis_client(url)) + repr(redis_pool(url)) + url.address
    assert "canary" not in shown
    assert isinstance(url, RedisUrl)
