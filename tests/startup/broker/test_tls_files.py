"""A fault in the files of the URL is told before anything connects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization

from startup.broker.redis_url import RedisUrlFault, parse_redis_url
from tests.support.certificates import Authority

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _fault(files: Mapping[str, Path]) -> str:
    options = "&".join(f"{name}={path}" for name, path in files.items())
    with pytest.raises(RedisUrlFault) as caught:
        parse_redis_url(f"rediss://redis.example.com/0?{options}")
    return str(caught.value)


def test_a_key_that_belongs_to_another_certificate_is_told(authority: Authority) -> None:
    one, two = authority.issue("one"), authority.issue("two")
    fault = _fault({"ssl_certfile": one.certificate, "ssl_keyfile": two.key})
    assert fault == "names in ssl_keyfile a key that does not belong to the certificate of ssl_certfile"


def test_a_file_that_cannot_be_read_is_told(authority: Authority, tmp_path: Path) -> None:
    one = authority.issue("one")
    fault = _fault({"ssl_certfile": one.certificate, "ssl_keyfile": tmp_path / "absent"})
    assert fault == "names in ssl_keyfile a file that cannot be read (FileNotFoundError)"


def test_a_key_with_a_passphrase_is_told_and_nobody_is_asked_for_it(authority: Authority, tmp_path: Path) -> None:
    one = authority.issue("one")
    key = serialization.load_pem_private_key(one.key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    assert "a key with a passphrase" in _fault({"ssl_certfile": one.certificate, "ssl_keyfile": locked})


def test_a_key_without_its_certificate_is_told(authority: Authority) -> None:
    assert _fault({"ssl_keyfile": authority.issue("one").key}) == "names ssl_keyfile without ssl_certfile"


@pytest.mark.parametrize("name", ["ssl_ca_certs", "ssl_certfile"])
def test_a_file_that_holds_no_certificate_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert "PEM form" in _fault({name: tmp_path / "empty"})
