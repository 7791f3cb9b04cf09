"""One try against real receivers: what is sent, and what counts as delivered."""

from __future__ import annotations

import json

import pytest
from standardwebhooks import Webhook

from tests.notifier.samples import KEY, SECRET
from tests.notifier.sending.tries import BODY, answer_to, sent
from tests.support.receiver import Exchange, a_receiver, status


def test_a_receiver_gets_the_event_signed_so_that_the_standards_package_verifies_it() -> None:
    with a_receiver() as receiver:
        (answer,) = sent(receiver)
    (request,) = receiver.received
    assert answer.is_delivered
    assert (request.path, request.body) == ("/hooks?key=1", BODY)
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "evt_1"
    assert Webhook(SECRET).verify(request.body, dict(request.headers)) == json.loads(BODY)


def test_while_secrets_are_exchanged_a_receiver_may_know_either() -> None:
    with a_receiver() as receiver:
        sent(receiver, keys=(b"new" * 10, KEY))
    (request,) = receiver.received
    for key in (b"new" * 10, KEY):
        assert Webhook(key).verify(request.body, dict(request.headers))


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_2xx_alone_is_success(code: int) -> None:
    answer = answer_to(lambda exchange: exchange.answer(code, body=b"" if code == 204 else b"ok"))
    assert (answer.is_delivered, answer.outcome) == (True, str(code))


@pytest.mark.parametrize("code", [300, 304, 400, 401, 404, 410, 429, 500, 503, 599])
def test_any_other_status_is_a_failure(code: int) -> None:
    answer = answer_to(status(code))
    assert (answer.is_delivered, answer.is_gone, answer.outcome) == (False, code == 410, str(code))


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(code: int) -> None:
    with a_receiver() as elsewhere:
        with a_receiver(status(code, location=f"http://127.0.0.1:{elsewhere.port}/")) as receiver:
            (answer,) = sent(receiver)
        assert answer.outcome == str(code)
        assert elsewhere.connections == 0


@pytest.mark.parametrize(("value", "seconds"), [("120", 120.0), ("0", 0.0), ("soon", None), ("-5", None)])
def test_the_receiver_may_ask_to_wait(value: str, seconds: float | None) -> None:
    answer = answer_to(status(429, retry_after=value))
    assert (answer.outcome, answer.retry_after_seconds) == ("429", seconds)


def test_a_slow_answer_in_time_is_success() -> None:
    def slow(exchange: Exchange) -> None:
        exchange.receiver.ended.wait(0.3)
        exchange.answer(200)

    assert answer_to(slow).is_delivered


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_no_proxy_of_the_environment_is_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_receiver() as proxy, a_receiver() as receiver:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        (answer,) = sent(receiver)
        assert answer.is_delivered
        assert (proxy.connections, receiver.connections) == (0, 1)
