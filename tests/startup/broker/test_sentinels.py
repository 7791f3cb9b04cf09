"""The primary is looked up at each connection. Sentinels that are gone, refuse or are behind the times are survived.

Real Sentinels answer. They were told to notice nothing, so each says for ever what it was told at first.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest
import redis
import redis.asyncio

from local_stack.ports import LOOPBACK, free_port
from startup.broker.redis_clients import redis_client, redis_pool
from startup.broker.redis_refusals import Kind, NoPrimaryError, refusal_of
from startup.broker.sentinels import SentinelOrder, Sentinels
from startup.environment import EnvironmentReader
from startup.shared_settings import read_redis_url
from tests.support.broker import Brokers
from tests.support.sentinels import NAME, SentinelServer, url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_stack.redis_server import RedisServer
    from startup.broker.redis_url import RedisUrl

PASSWORD: Final = "p#/@?:% é canary"


class Place:
    """One primary, and Sentinels that a test adds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ends = ExitStack()
        self.brokers = Brokers(folder)
        self._ends.callback(self.brokers.kill)
        self.primary = self.brokers.start()

    def sentinel(self, server: RedisServer | int | None = None, *lines: str, quorum: int = 2) -> SentinelServer:
        """A Sentinel that names this server, or this port. It sees no other Sentinels."""
        port = server if isinstance(server, int) else (server or self.primary).port
        sentinel = SentinelServer(self._folder / f"sentinel-{free_port()}", port, *lines, quorum=quorum, notices=False)
        self._ends.callback(sentinel.process.kill)
        sentinel.start()
        return sentinel

    def close(self) -> None:
        self._ends.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def url(text: str, **settings: str) -> RedisUrl:
    """The URL as a process reads it."""
    reader = EnvironmentReader({f"INTAKE_REDIS_{name}": value for name, value in {"URL": text, **settings}.items()})
    found = read_redis_url(reader)
    reader.check()
    return found


def port_of(url: RedisUrl) -> int:
    """The port of the server that a new client reaches."""
    with redis_client(url, socket_connect_timeout=5) as client:
        return int(client.config_get("port")["port"] or 0)


def port_of_async(url: RedisUrl) -> int:
    """The same for a client of asyncio."""

    async def ask() -> int:
        client = redis.asyncio.Redis.from_pool(redis_pool(url, socket_connect_timeout=5))
        async with client:
            return int((await client.config_get("port"))["port"] or 0)

    return asyncio.run(ask())


both: Final = pytest.mark.parametrize("reach", [port_of, port_of_async], ids=["worker", "shim"])
"""The connections of both sides."""


@both
def test_a_client_reaches_the_server_that_a_sentinel_names(place: Place, reach: Callable[[RedisUrl], int]) -> None:
    assert reach(url(url_of(place.sentinel()))) == place.primary.port


@both
def test_a_sentinel_that_is_down_is_passed_over(place: Place, reach: Callable[[RedisUrl], int]) -> None:
    down = place.sentinel()
    down.process.kill()
    assert reach(url(url_of(down, place.sentinel()))) == place.primary.port


@both
def test_a_sentinel_that_hangs_is_passed_over(place: Place, reach: Callable[[RedisUrl], int]) -> None:
    hanging = place.sentinel()
    hanging.process.pause()
    assert reach(url(url_of(hanging, place.sentinel()))) == place.primary.port


@both
def test_a_sentinel_that_names_a_dead_server_is_passed_over(place: Place, reach: Callable[[RedisUrl], int]) -> None:
    assert reach(url(url_of(place.sentinel(free_port()), place.sentinel()))) == place.primary.port


@both
def test_a_sentinel_that_names_a_replica_is_passed_over(place: Place, reach: Callable[[RedisUrl], int]) -> None:
    replica = place.brokers.start(replica_of=place.primary)
    assert reach(url(url_of(place.sentinel(replica), place.sentinel()))) == place.primary.port


@both
@pytest.mark.parametrize("rights", ["+@all", "-@all +sentinel|get-master-addr-by-name +sentinel|ckquorum"])
def test_a_sentinel_that_sees_too_few_others_is_believed_last(
    place: Place, reach: Callable[[RedisUrl], int], rights: str
) -> None:
    """It was cut off, and does not know that the others have promoted another server."""
    user = f"user intake on >secret {rights}"
    other = place.brokers.start()
    cut_off, agreed = place.sentinel(None, user), place.sentinel(other, user, quorum=1)
    found = url(url_of(cut_off, agreed), SENTINEL_USERNAME="intake", SENTINEL_PASSWORD="secret")
    assert reach(found) == other.port
    agreed.process.kill()
    assert reach(found) == place.primary.port


@both
def test_a_sentinel_that_knows_another_name_is_passed_over(place: Place, reach: Callable[[RedisUrl], int]) -> None:
    other = place.sentinel()
    other.ask("SENTINEL", "REMOVE", NAME)
    assert reach(url(url_of(other, place.sentinel()))) == place.primary.port


@both
def test_sentinels_may_have_a_password_of_their_own(place: Place, reach: Callable[[RedisUrl], int]) -> None:
    sentinel = place.sentinel(None, f'requirepass "{PASSWORD}"')
    assert reach(url(url_of(sentinel), SENTINEL_PASSWORD=PASSWORD)) == place.primary.port


@both
def test_a_user_of_the_sentinels_needs_one_right_alone(place: Place, reach: Callable[[RedisUrl], int]) -> None:
    rights = "-@all +sentinel|get-master-addr-by-name"
    sentinel = place.sentinel(None, f"user intake on >secret {rights}", "user default off")
    found = reach(url(url_of(sentinel), SENTINEL_USERNAME="intake", SENTINEL_PASSWORD="secret"))
    assert found == place.primary.port


@both
def test_a_user_of_redis_need_not_be_allowed_role(place: Place, reach: Callable[[RedisUrl], int]) -> None:
    with redis.Redis(port=place.primary.port) as client:
        client.execute_command("ACL", "SETUSER", "intake", "on", ">secret", "~*", "+@all", "-role")
    text = url_of(place.sentinel()).replace("//", "//intake:secret@")
    assert reach(url(text)) == place.primary.port


def _no_sentinel(place: Place) -> RedisUrl:
    down = place.sentinel()
    down.process.kill()
    return url(url_of(down))


def _unknown_name(place: Place) -> RedisUrl:
    return url(url_of(place.sentinel()).replace(NAME, "canary"))


def _wrong_password(place: Place) -> RedisUrl:
    return url(url_of(place.sentinel(None, "requirepass secret")), SENTINEL_PASSWORD=PASSWORD)


def _no_password(place: Place) -> RedisUrl:
    return url(url_of(place.sentinel(None, "requirepass secret")))


def _unneeded_password(place: Place) -> RedisUrl:
    return url(url_of(place.sentinel()), SENTINEL_PASSWORD=PASSWORD)


def _no_right(place: Place) -> RedisUrl:
    sentinel = place.sentinel(None, "user intake on >secret +ping")
    return url(url_of(sentinel), SENTINEL_USERNAME="intake", SENTINEL_PASSWORD="secret")


def _redis_itself(place: Place) -> RedisUrl:
    return url(f"redis+sentinel://{LOOPBACK}:{place.primary.port}/{NAME}")


def _replica(place: Place) -> RedisUrl:
    return url(url_of(place.sentinel(place.brokers.start(replica_of=place.primary))))


@both
@pytest.mark.parametrize(
    ("faulty", "code", "kind"),
    [
        (_no_sentinel, "no_sentinel", Kind.WAIT),
        (_unknown_name, "unknown_master_name", Kind.MISCONFIGURED),
        (_wrong_password, "sentinel_refuses", Kind.MISCONFIGURED),
        (_no_password, "sentinel_refuses", Kind.MISCONFIGURED),
        (_unneeded_password, "sentinel_refuses", Kind.MISCONFIGURED),
        (_no_right, "sentinel_refuses", Kind.MISCONFIGURED),
        (_redis_itself, "not_a_sentinel", Kind.MISCONFIGURED),
        (_replica, "is_replica", Kind.ELSEWHERE),
    ],
)
def test_where_no_primary_is_found_the_reason_has_a_name(
    place: Place, reach: Callable[[RedisUrl], int], faulty: Callable[[Place], RedisUrl], code: str, kind: Kind
) -> None:
    with pytest.raises(NoPrimaryError) as caught:
        reach(faulty(place))
    refusal = refusal_of(caught.value)
    assert refusal is not None
    assert (refusal.code, refusal.kind) == (code, kind)
    assert "canary" not in f"{caught.value!r} {refusal}"


@both
def test_where_one_sentinel_refuses_and_others_are_down_the_worker_asks_again_soon(
    place: Place, reach: Callable[[RedisUrl], int]
) -> None:
    down = place.sentinel()
    down.process.kill()
    with pytest.raises(NoPrimaryError) as caught:
        reach(url(url_of(place.sentinel(None, "requirepass secret"), down)))
    assert (caught.value.refusal.code, caught.value.refusal.kind) == ("sentinel_refuses", Kind.ELSEWHERE)


def test_a_server_that_refuses_the_password_is_told_as_without_sentinels(place: Place) -> None:
    text = url_of(place.sentinel()).replace("//", "//:canary@")
    with redis.Redis(port=place.primary.port) as client:
        client.config_set("requirepass", "secret")
    with pytest.raises(redis.AuthenticationError) as caught:
        port_of(url(text))
    refusal = refusal_of(caught.value)
    assert refusal is not None
    assert refusal.code == "WRONGPASS"


def test_a_client_follows_a_sentinel_that_changes_its_mind(place: Place) -> None:
    sentinel = place.sentinel()
    other = place.brokers.start()
    with redis_client(url(url_of(sentinel))) as client:
        assert client.config_get("port")["port"] == str(place.primary.port)
        sentinel.ask("SENTINEL", "REMOVE", NAME)
        sentinel.ask("SENTINEL", "MONITOR", NAME, LOOPBACK, str(other.port), "1")
        place.primary.kill()
        assert client.config_get("port")["port"] == str(other.port)


def _asked(order: SentinelOrder, *, found: int = 0, out_of_time: int = 0) -> list[int]:
    """The ports of the Sentinels that one search asks, in order. It ends with one that leads to a primary, or early."""
    asked = []
    search = order.search()
    for _, port in search.sentinels():
        asked.append(port)
        if port == found:
            search.found()
        if port in {found, out_of_time}:
            break
    return asked


def test_the_sentinel_that_last_led_to_a_primary_is_asked_first() -> None:
    order = SentinelOrder(Sentinels(addresses=(("h", 1), ("h", 2), ("h", 3)), name=NAME), tls_arguments={})
    assert _asked(order, found=2) == [1, 2]
    assert _asked(order, found=2) == [2]
    assert _asked(order) == [2, 3, 1]


def test_a_sentinel_on_which_a_search_ran_out_of_time_is_asked_last() -> None:
    order = SentinelOrder(Sentinels(addresses=(("h", 1), ("h", 2), ("h", 3)), name=NAME), tls_arguments={})
    assert _asked(order, out_of_time=1) == [1]
    assert _asked(order, out_of_time=3) == [2, 3]
    assert _asked(order) == [1, 2, 3]


def test_all_sentinels_can_be_asked_in_the_time_for_connecting() -> None:
    sentinels = Sentinels(addresses=(("h", 1), ("h", 2), ("h", 3)), name=NAME)
    assert sentinels.seconds(2) == 0.5
    assert sentinels.seconds(60) == sentinels.seconds(None) == 1
