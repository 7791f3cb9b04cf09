"""Webhooks over TLS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from notifier.sending.answers import Answer, Fault
from tests.notifier.samples import sender
from tests.notifier.sending.tries import BODY
from tests.support.certificates import Authority
from tests.support.receiver import Receiver, a_receiver

if TYPE_CHECKING:
    from pathlib import Path


class TestOverTls:
    """Certificates are checked for the host's name, while the connection goes to the address that was judged."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    def send(self, receiver: Receiver, host: str, authority: Authority | None) -> Answer:
        async def run() -> Answer:
            trusted = None if authority is None else authority.certificate
            url = f"https://{host}:{receiver.port}/"
            async with sender(url, authority=trusted, look_up=lambda _host, _port: ["127.0.0.1"]) as sending:
                return await sending.send("evt_1", BODY)

        return asyncio.run(run())

    def test_tls_names_the_host_and_its_certificate_is_good_for_the_host(self, authority: Authority) -> None:
        with a_receiver(certificate=authority.issue("hooks", host="hooks.example")) as receiver:
            answer = self.send(receiver, "hooks.example", authority)
        assert answer.is_delivered
        assert receiver.names == ["hooks.example"]

    @pytest.mark.parametrize(
        ("host", "days", "trusted"),
        [
            pytest.param("other.example", (-1, 1), True, id="for another host"),
            pytest.param("localhost", (-1, 1), True, id="for the address alone"),
            pytest.param("hooks.example", (-3, -1), True, id="expired"),
            pytest.param("hooks.example", (-1, 1), False, id="from nobody known"),
        ],
    )
    def test_a_certificate_that_is_not_good_for_the_host_gets_nothing(
        self, authority: Authority, host: str, days: tuple[int, int], trusted: bool
    ) -> None:
        with a_receiver(certificate=authority.issue("hooks", host=host, days=days)) as receiver:
            answer = self.send(receiver, "hooks.example", authority if trusted else None)
        assert answer.fault is Fault.TLS_FAILED
        assert receiver.received == []

    def test_a_port_that_speaks_no_tls_gets_nothing(self, authority: Authority) -> None:
        with a_receiver() as receiver:
            answer = self.send(receiver, "hooks.example", authority)
        assert answer.fault is Fault.TLS_FAILED
        assert receiver.received == []

    def test_an_address_in_the_url_must_be_in_the_certificate(self, authority: Authority) -> None:
        with a_receiver(certificate=authority.issue("local")) as receiver:
            assert self.send(receiver, "127.0.0.1", authority).is_delivered
