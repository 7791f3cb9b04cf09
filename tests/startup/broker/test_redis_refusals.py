"""A refusal of Redis is known by its first word, whether Redis sends it or redis-py raises it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import redis
from redis import exceptions
from redis.asyncio.connection import Connection

from startup.broker.redis_refusals import TABLE, Kind, Refusal, refusal_of, refusal_of_text

if TYPE_CHECKING:
    from tests.conftest import Environment

_TEXTS = {
    "LOADING Redis is loading the dataset in memory": "LOADING",
    "READONLY You can't write against a read only replica.": "READONLY",
    "READONLY You can't write against a read only replica. script: 4f0c, on @user_script:3.": "READONLY",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.": "MASTERDOWN",
    "NOREPLICAS Not enough good replicas to write.": "NOREPLICAS",
    "OOM command not allowed when used memory > 'maxmemory'.": "OOM",
    "MISCONF Errors writing to the AOF file: No space left on device": "MISCONF",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.": "BUSY",
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)": "UNBLOCKED",
    "CLUSTERDOWN The cluster is down": "CLUSTERDOWN",
    "MOVED 3999 127.0.0.1:6381": "MOVED",
    "ASK 3999 127.0.0.1:6381": "ASK",
    "CROSSSLOT Keys in request don't hash to the same slot": "CROSSSLOT",
    "TRYAGAIN Multiple keys request during rehashing of slot": "TRYAGAIN",
    "NOAUTH Authentication required.": "NOAUTH",
    "WRONGPASS invalid username-password pair or user is disabled.": "WRONGPASS",
    "NOPERM User intake has no permissions to run the 'eval' command": "NOPERM",
    "EXECABORT Transaction discarded because of previous errors.": "EXECABORT",
    "ERR max number of clients reached": "max_clients",
    "ERR unknown command 'BLMPOP', with args beginning with: ": "unknown_command",
    "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'": "script_not_compiled",
    "ERR DB index is out of range": "no_such_database",
    "ERR invalid password": "WRONGPASS",
    "ERR something nobody has thought of": "ERR",
    "WRONGTYPE Operation against a key holding the wrong kind of value": "WRONGTYPE",
    "NOSCRIPT No matching script. Please use EVAL.": "NOSCRIPT",
    "DENIED Redis is running in protected mode": "DENIED",
    "NOPROTO unsupported protocol version": "NOPROTO",
    "ERR ACL failure in script: User u has no permissions to run the 'hset' command": "NOPERM",
    "user_script:12: attempt to compare nil with number": "ERR",
}


@pytest.mark.parametrize(("text", "code"), _TEXTS.items(), ids=_TEXTS.values())
def test_a_refusal_is_known_as_redis_sends_it_and_as_redis_py_raises_it(text: str, code: str) -> None:
    raised = Connection()._parser.parse_error(text)  # noqa: SLF001 - the one place that makes them
    assert refusal_of_text(text) == refusal_of(raised) == TABLE[code]


@pytest.mark.parametrize(
    "code", [each for each in _TEXTS.values() if each.isupper() and each not in {"MISCONF", "ERR", "NOAUTH"}]
)
def test_a_refusal_is_known_by_its_class_where_an_older_redis_py_keeps_no_code(code: str) -> None:
    text = next(text for text, each in _TEXTS.items() if each == code)
    raised = Connection()._parser.parse_error(text)  # noqa: SLF001
    raised.status_code = None
    assert refusal_of(raised) == TABLE[code]


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ConnectionError("Connection closed by server."),
        exceptions.TimeoutError("Timeout reading from socket"),
        exceptions.InvalidResponse("Protocol Error"),
        ConnectionResetError(104, "Connection reset by peer"),
        RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed"),
    ],
)
def test_a_lost_connection_is_no_refusal(error: Exception) -> None:
    assert refusal_of(error) is None


def test_an_unknown_code_is_told_by_its_name_and_counts_as_a_fault_of_the_call() -> None:
    refusal = refusal_of_text("BRANDNEW with a text that may hold a secret")
    assert (refusal.code, refusal.kind) == ("BRANDNEW", Kind.CALL)
    assert "secret" not in repr(refusal)


@pytest.mark.parametrize("text", ["hunter2 is no code", "A" * 40 + " too long", "", "-"])
def test_a_first_word_that_is_no_code_is_never_repeated(text: str) -> None:
    assert refusal_of_text(text) == TABLE["ERR"]


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_each_row_of_the_table_says_in_a_sentence_what_to_do(row: Refusal) -> None:
    assert len(row.sentence) > 20
    assert row.code == row.code.strip()


def test_a_real_server_s_refusals_are_known(isolated_env: Environment) -> None:
    """A wrong password, an unknown command, a script that does not compile, a value of another kind."""
    url = isolated_env["INTAKE_REDIS_URL"]
    words = []
    with redis.Redis.from_url(url) as client:
        client.set("a", 1)
        for command in (["BREW"], ["EVAL", "#!lua flags=x\n", 0], ["EVAL", "return (", 0], ["LPUSH", "a", "b"]):
            with pytest.raises(exceptions.ResponseError) as raised:
                client.execute_command(*command)
            words.append(_word(raised.value))
    stranger = redis.Redis(port=urlsplit(url).port or 0, password="wrong")
    with stranger, pytest.raises(exceptions.AuthenticationError) as denied:
        stranger.ping()
    assert [*words, _word(denied.value)] == ["unknown_command", "ERR", "script_not_compiled", "WRONGTYPE", "WRONGPASS"]


def _word(error: Exception) -> str:
    refusal = refusal_of(error)
    assert refusal is not None
    return refusal.code
