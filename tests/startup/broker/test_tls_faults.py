"""Each reason for which TLS with Redis fails is told by its name, with a real Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_stack.ports import free_port
from startup.broker import tls_faults
from startup.broker.redis_clients import redis_client
from startup.broker.redis_refusals import Kind, refusal_behind
from startup.broker.redis_url import parse_redis_url
from tests.support.certificates import Authority, Issued
from tests.support.tls_redis import TlsRedis, tls_redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """An authority that is trusted, and one that is not."""

    authority: Authority
    another: Authority


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    return Certificates(Authority(folder / "one"), Authority(folder / "another", "another"))


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[TlsRedis]:
    """A server that asks clients for a certificate."""
    folder = tmp_path_factory.mktemp("mutual") / "redis"
    authority = certificates.authority
    with tls_redis(folder, authority, authority.issue("server"), clients="yes") as server:
        yield server


def _told(text: str) -> str:
    """The code of what is told about a connection by this URL. Empty: it works."""
    url = parse_redis_url(text)
    quick = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0, "retry": Retry(NoBackoff(), 0)}
    with redis_client(url, **quick) as client:
        try:
            client.ping()
        except redis.RedisError as error:
            refusal = refusal_behind(error, url)
            return refusal.code if refusal is not None and refusal.kind is Kind.MISCONFIGURED else repr(error)
    return ""


@pytest.mark.parametrize(
    ("host", "days", "told"),
    [
        ("localhost", (-3, -1), tls_faults.EXPIRED),
        ("localhost", (1, 3), tls_faults.NOT_YET_VALID),
        ("elsewhere.example.com", (-1, 1), tls_faults.WRONG_HOST),
    ],
)
def test_what_is_wrong_with_the_servers_certificate_is_told(
    tmp_path: Path, certificates: Certificates, host: str, days: tuple[int, int], told: str
) -> None:
    authority = certificates.authority
    with tls_redis(tmp_path / "redis", authority, authority.issue("bad", host=host, days=days)) as server:
        assert _told(server.url()) == told


def test_an_authority_that_is_not_trusted_is_told(mutual: TlsRedis, certificates: Certificates) -> None:
    assert _told(mutual.url(authority=certificates.another)) == tls_faults.UNKNOWN_CA


def test_a_client_certificate_of_the_right_authority_is_taken(mutual: TlsRedis, certificates: Certificates) -> None:
    assert _told(mutual.url(own=certificates.authority.issue("client"))) == ""


def _of_another(certificates: Certificates) -> Issued:
    return certificates.another.issue("client_of_another")


def test_what_is_wrong_with_the_clients_certificate_is_told_each_time(
    mutual: TlsRedis, certificates: Certificates
) -> None:
    """A client that has written something gets a reset in place of the reason, now and then."""
    expired = certificates.authority.issue("expired", days=(-3, -1))
    for _ in range(10):
        assert _told(mutual.url()) == tls_faults.CLIENT_MISSING
        assert _told(mutual.url(own=_of_another(certificates))) == tls_faults.CLIENT_REFUSED
        assert _told(mutual.url(own=expired)) == tls_faults.CLIENT_EXPIRED


def test_a_port_without_tls_is_told(mutual: TlsRedis) -> None:
    assert _told(mutual.url().replace(str(mutual.port), str(mutual.plain_port))) == tls_faults.NO_TLS


def test_a_port_with_tls_is_told_to_whoever_speaks_plainly(mutual: TlsRedis) -> None:
    assert _told(f"redis://127.0.0.1:{mutual.port}/0") == tls_faults.TLS_NEEDED


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_of_a_server_that_is_away_nothing_is_told(scheme: str) -> None:
    assert tls_faults.ask_why(parse_redis_url(f"{scheme}://127.0.0.1:{free_port()}/0")) is None


def test_of_a_plain_server_that_is_spoken_to_plainly_nothing_is_told(mutual: TlsRedis) -> None:
    assert tls_faults.ask_why(parse_redis_url(f"redis://127.0.0.1:{mutual.plain_port}/0")) is None
