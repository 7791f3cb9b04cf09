"""Shim, worker and command line reach a Redis that needs TLS and has a password of unusual characters.

They do so directly, and by a Sentinel that needs TLS too.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote

import pytest
import redis

from tests.support.certificates import write_certificate
from tests.support.sentinels import NAME, SentinelServer
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve

PASSWORD: Final = "p#/@?:%[é] +"


class TlsInFront:
    """Takes TLS off the bytes that come, and passes them on to a port. The Redis of the tests is built without TLS."""

    def __init__(self, certificate: Path, key: Path, target: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            await asyncio.gather(self._copy(reader, back), self._copy(there, writer))
        finally:
            for each in (back, writer):
                each.transport.abort()

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        writer.close()


@pytest.fixture(params=["redis alone", pytest.param("with a Sentinel", marks=pytest.mark.slow)])
def over_tls(isolated_env: Environment, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Environment]:
    """Settings with a user who has that password, and with ports that speak TLS: Redis', and a Sentinel's."""
    with redis.Redis.from_url(isolated_env["INTAKE_REDIS_URL"]) as client:
        client.execute_command("ACL", "SETUSER", "hostile", "on", f">{PASSWORD}", "~*", "&*", "+@all")
        port = int(client.connection_pool.connection_kwargs["port"])
        database = client.connection_pool.connection_kwargs["db"]
        certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
        write_certificate(certificate, key)
        with ExitStack() as ends:
            user = f"hostile:{quote(PASSWORD, safe='')}"
            proxy = ends.enter_context(TlsInFront(certificate, key, port))
            start, name = "rediss://", ""
            if request.param == "with a Sentinel":
                sentinel = SentinelServer(tmp_path / "sentinel", proxy.port, notices=False)
                ends.callback(sentinel.process.kill)
                sentinel.start()
                proxy = ends.enter_context(TlsInFront(certificate, key, sentinel.port))
                start, name = "rediss+sentinel://", f"{NAME}/"
            url = f"{start}{user}@127.0.0.1:{proxy.port}/{name}{database}?ssl_ca_certs={certificate}"
            yield {**isolated_env, "INTAKE_REDIS_URL": url}
        client.execute_command("ACL", "DELUSER", "hostile")


def test_a_signup_goes_through_a_redis_that_needs_tls(
    over_tls: Environment, start_shim: Starter, start_worker: Starter, serve: Serve
) -> None:
    shim, worker = start_shim(over_tls), start_worker(over_tls)
    assert serve(shim, worker).create({"prefer": "wait=20"}).json()["ok"] is True

    command = [str(Path(sys.executable).parent / "customer-intake"), "dead-letters", "list"]
    done = subprocess.run(command, env=over_tls, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "0 dead letters\n")


def test_a_certificate_that_no_known_authority_has_signed_is_refused(
    over_tls: Environment, start_shim: Starter
) -> None:
    shim = start_shim({**over_tls, "INTAKE_REDIS_URL": over_tls["INTAKE_REDIS_URL"].partition("?")[0]})
    wait_until(lambda: "tls_unknown_ca" in shim.log(), what="the shim says why")
