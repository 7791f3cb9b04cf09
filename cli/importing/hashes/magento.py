"""Magento's customer passwords, as `customer_entity.password_hash` and the customer export hold them.

Magento 2 writes `hash:salt:version`. Where a hash was made anew of an older one (`customer:hash:upgrade`), the versions
follow each other: `hash:salt:1:3_32_2_67108864`. Each version is made of the hexadecimal digits of the one before, with
the same salt: 0 is MD5 and 1 is SHA-256 with the salt before it, 2 and 3 are argon2id by libsodium, whose costs 3
writes down. The rules are those of `Encryptor::isValidHash` in magento/magento2.

Magento 1 and early Magento 2 write `hash:salt`, and OpenMage's newest bcrypt. Which digest it is can be told by its
length: `Mage_Core_Model_Encryption::validateHash` in OpenMage/magento-lts tries them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cli.importing.hashes.foreign_hash import ForeignHashError, NoPasswordError
from cli.importing.hashes.spelling import argon2, bytes_of_text, digest
from schemas.password_hashes.digests import DIGEST_BYTES, Step
from schemas.password_hashes.wrapped import WrappedHash, written_wrapped

_HASH: Final = re.compile(r"(?P<hash>(?:[0-9a-fA-F]{2}){16,64}):(?P<salt>[^:]*+)(?::(?P<versions>[0-9_:]++))?+")
"""`hash:salt`, and the versions from the oldest on."""

_DIGESTS: Final = {"0": "md5", "1": "sha256"}
"""Versions without a cost."""

_DIGEST_OF_SIZE: Final = {16: "md5", 32: "sha256", 64: "sha512"}
"""Bytes of a digest → its name, where no version tells it."""

_ARGON2: Final = re.compile(r"2|3_(?P<size>[0-9]{1,3})_(?P<passes>[0-9]{1,5})_(?P<bytes>[0-9]{1,12})")
"""Versions of argon2id. The second names the bytes of the hash, the passes and the bytes of memory."""

_SALT_BYTES: Final = 16
"""libsodium's salt. Magento cuts a longer one off, and repeats a shorter one."""


@dataclass(frozen=True, slots=True)
class _Argon2:
    """What Magento gives to libsodium."""

    size: int = 32
    passes: int = 2
    memory_bytes: int = 64 * 1024 * 1024


def translate(text: str) -> str:
    """The hash as the service takes it.

    Raises:
        NoPasswordError: there is none.
        ForeignHashError: it is not written as Magento writes one, or was made with the shop's key.
    """
    text = text.strip()
    if not text:
        raise NoPasswordError
    if text.startswith("$2"):
        return text
    match = _HASH.fullmatch(text)
    if match is None:
        return _without_salt(text)
    content, salt = bytes.fromhex(match["hash"]), bytes_of_text(match["salt"])
    if match["versions"] is None:
        return digest((Step(_digest_of_size(content), before=salt),), content)
    return _of_versions(match["versions"].split(":"), salt=salt, content=content)


def _without_salt(text: str) -> str:
    """Magento 1 makes MD5 without a salt. Magento 2 makes the others with the key of the shop."""
    if re.fullmatch(r"[0-9a-fA-F]{32}", text):
        return digest((Step("md5"),), bytes.fromhex(text))
    raise ForeignHashError("is not written as Magento writes a customer's hash: hash:salt:version")


def _digest_of_size(content: bytes) -> str:
    name = _DIGEST_OF_SIZE.get(len(content))
    if name is None:
        raise ForeignHashError("is of no length that Magento's hashes have")
    return name


def _of_versions(versions: list[str], *, salt: bytes, content: bytes) -> str:
    fast = [version for version in versions if version in _DIGESTS]
    slow = versions[len(fast) :]
    if versions[: len(fast)] != fast or len(slow) > 1:
        raise ForeignHashError("is made in steps that only Magento can repeat")
    steps = tuple(Step(_DIGESTS[version], before=salt) for version in fast)
    if slow:
        made = _argon2(slow[0], salt=salt, content=content)
        return written_wrapped(WrappedHash(steps, made)) if steps else made
    if DIGEST_BYTES[steps[-1].algorithm] != len(content):
        raise ForeignHashError("is of another length than its version says")
    return digest(steps, content)


def _argon2(version: str, *, salt: bytes, content: bytes) -> str:
    match = _ARGON2.fullmatch(version)
    if match is None:
        raise ForeignHashError("names a version that Magento does not have")
    costs = _Argon2() if match["size"] is None else _Argon2(*(int(match[name]) for name in ("size", "passes", "bytes")))
    if not salt:
        raise ForeignHashError("has no salt, which argon2 needs")
    if costs.size != len(content):
        raise ForeignHashError("is of another length than its version says")
    repeated = salt * -(-_SALT_BYTES // len(salt))
    return argon2(
        "argon2id",
        version=19,
        kib=costs.memory_bytes // 1024,
        passes=costs.passes,
        lanes=1,
        salt=repeated[:_SALT_BYTES],
        content=content,
    )
