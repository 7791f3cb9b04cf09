"""Keys are fetched from one URL, within bounds of time and size. Each failure has a code of ours."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.tokens.jwks_fetch import MAXIMUM_DOCUMENT_BYTES, FetchError, fetch_jwks
from local_stack.ports import free_port
from tests.support.key_server import KeyServer, a_key_server
from tests.support.streams import closed_after

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.tokens.keys import VerificationKey

KEY: dict[str, Any] = {
    **jwt.get_algorithm_by_name("ES256").to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True),
    "kid": "1",
}


@pytest.fixture
def provider() -> Iterator[KeyServer]:
    with a_key_server() as server:
        yield server


def fetched(url: str, *, seconds: float = 5) -> tuple[VerificationKey, ...]:
    return asyncio.run(fetch_jwks(url, seconds=seconds))


def refusal(url: str, *, seconds: float = 5) -> str:
    with pytest.raises(FetchError) as caught:
        fetched(url, seconds=seconds)
    return caught.value.reason


def test_the_keys_behind_the_url_are_returned(provider: KeyServer) -> None:
    provider.publish(KEY, {"kty": "quantum"})

    (key,) = fetched(provider.url)

    assert (key.key_id, key.algorithm) == ("1", "ES256")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(provider: KeyServer, status: int) -> None:
    with a_key_server() as elsewhere:
        elsewhere.publish(KEY)
        provider.status, provider.headers = status, {"location": elsewhere.url}

        assert refusal(provider.url) == "redirect"
        assert elsewhere.asked == 0


@pytest.mark.parametrize("status", [201, 204, 400, 401, 404, 429, 500, 503])
def test_the_failure_of_another_status_has_its_number(provider: KeyServer, status: int) -> None:
    provider.publish(KEY)
    provider.status = status

    assert refusal(provider.url) == f"status_{status}"


def test_a_document_beyond_the_bound_is_not_read(provider: KeyServer) -> None:
    provider.body = json.dumps({"keys": [KEY]}).encode().ljust(MAXIMUM_DOCUMENT_BYTES)
    assert len(fetched(provider.url)) == 1
    provider.body += b" "

    assert refusal(provider.url) == "too_large"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b'{"keys": []}', json.dumps({"keys": [{"kty": "oct", "k": "AA"}]}).encode(), b"[" * 9000],
    ids=lambda value: repr(value)[:20],
)
def test_an_answer_without_a_usable_key_is_a_failure(provider: KeyServer, body: bytes) -> None:
    provider.body = body

    assert refusal(provider.url) == "no_usable_key"


def test_a_provider_that_does_not_answer_is_waited_for_only_so_long(provider: KeyServer) -> None:
    provider.hangs = True

    assert refusal(provider.url, seconds=0.3) == "timeout"


def test_a_provider_that_cannot_be_connected_to_is_unreachable() -> None:
    assert refusal(f"http://127.0.0.1:{free_port()}/") == "unreachable"


def test_the_failure_of_a_provider_that_does_not_speak_tls_says_so(provider: KeyServer) -> None:
    assert refusal(provider.url.replace("http:", "https:")) == "tls"


def test_the_failure_of_a_provider_that_does_not_speak_http_says_so() -> None:
    async def fetch_from_somebody_else() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async with closed_after(writer):
                # A connection that is closed with something unread is reset, and the answer may be lost.
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"220 mail.example.com ESMTP\r\n")

        async with await asyncio.start_server(answer, "127.0.0.1", 0, family=socket.AF_INET) as server:
            await fetch_jwks(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")

    with pytest.raises(FetchError, match="no_http"):
        asyncio.run(fetch_from_somebody_else())


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    provider: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    provider.publish(KEY)

    assert len(fetched(provider.url)) == 1
