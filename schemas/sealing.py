"""Sealing requests so that only a worker can read them (PyNaCl: X25519, XSalsa20-Poly1305).

An envelope is `version (1) | key id (4) | sender's public key (32) | nonce (24) | ciphertext and tag`, in bytes. The
sender's key pair belongs to the shim process alone and is renewed every few minutes: one X25519 exchange serves many
requests. No shim process has a key that opens an envelope of another process. The plaintext starts with the task id:
an envelope that is moved to another task does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey

from schemas.ids import TASK_ID_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSION: Final = b"\x01"
"""How an envelope of this form begins."""

_KEY_ID_BYTES: Final = 4
"""Of a public key's hash. It tells the few keys of a ring apart."""

_KEY_BYTES: Final = 32
"""Of an X25519 key, public or private."""

_SENDER_AT: Final = len(_VERSION) + _KEY_ID_BYTES
"""Where in an envelope the sender's public key begins."""

_BOX_AT: Final = _SENDER_AT + _KEY_BYTES
"""Where in an envelope the nonce and the ciphertext begin."""

SENDER_KEY_SECONDS: Final = 300.0
"""For how long a shim process uses one key pair of its own before it makes the next."""

_CACHED_SENDERS: Final = 256
"""Exchanged keys that a worker remembers. It needs one for each shim process and five minutes of the backlog."""


class UnsealError(Exception):
    """An envelope cannot be opened. The message never holds any of it."""


class UnknownSealingKeyError(UnsealError):
    """The envelope names a key that this worker's ring does not have. With that key the worker could open it."""


class UnknownEnvelopeVersionError(UnsealError):
    """The envelope is of a version that this release does not know. A newer release may."""


class KeyFormatError(ValueError):
    """A key's text is not `key id:base64 of 32 bytes`, or its id does not belong to it. The message holds no key."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A worker's key pair as lines of key files. The private line is left out of the repr."""

    key_id: str
    public_line: str
    private_line: str = field(repr=False)


def generate_key_pair() -> KeyPair:
    """A new key pair from the operating system's random source."""
    private = PrivateKey.generate()
    public = bytes(private.public_key)
    key_id = _key_id(public)
    return KeyPair(key_id, _line(key_id, public), _line(key_id, bytes(private)))


def parse_public_key(line: bytes) -> tuple[str, PublicKey]:
    """The key id and the key in the one line of a public key file.

    Raises:
        KeyFormatError: the line holds no public key.
    """
    key_id, raw = _parse_line(line)
    if _key_id(raw) != key_id:
        raise KeyFormatError("the key's id does not belong to it (is it a private key?)")
    return key_id, PublicKey(raw)


def parse_key_ring(lines: bytes) -> dict[str, PrivateKey]:
    """The private keys of a key file by their ids. Blank lines and lines that start with `#` are ignored.

    Raises:
        KeyFormatError: a line holds no private key, or the file holds none.
    """
    ring: dict[str, PrivateKey] = {}
    for line in lines.splitlines():
        if not line.strip() or line.startswith(b"#"):
            continue
        key_id, raw = _parse_line(line)
        private = PrivateKey(raw)
        if _key_id(bytes(private.public_key)) != key_id:
            raise KeyFormatError("a key's id does not belong to it (is it a public key?)")
        ring[key_id] = private
    if not ring:
        raise KeyFormatError("there is no key in it")
    return ring


def sealed_with(envelope: bytes) -> str:
    """The id of the key that opens this envelope.

    Raises:
        UnknownEnvelopeVersionError: the envelope is of a version that is not known here.
        UnsealError: the bytes are no envelope.
    """
    if envelope and not envelope.startswith(_VERSION):
        raise UnknownEnvelopeVersionError("an envelope of a version that is not known here")
    if len(envelope) <= _BOX_AT:
        raise UnsealError("too short for an envelope")
    return envelope[len(_VERSION) : _SENDER_AT].hex()


class Sealer:
    """Seals requests to the workers' public key. It cannot open the envelopes of another process. Not thread-safe."""

    def __init__(self, key_id: str, recipient: PublicKey, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._key_id = bytes.fromhex(key_id)
        self._recipient = recipient
        self._clock = clock
        self._renew()

    def seal(self, *, task_id: str, body: bytes) -> bytes:
        """The envelope of this body, bound to this task."""
        if self._clock() >= self._renew_at:
            self._renew()
        return self._head + bytes(self._box.encrypt(task_id.encode("ascii") + body))

    def _renew(self) -> None:
        own = PrivateKey.generate()
        self._box = Box(own, self._recipient)
        self._head = _VERSION + self._key_id + bytes(own.public_key)
        self._renew_at = self._clock() + SENDER_KEY_SECONDS


class Unsealer:
    """Opens envelopes with a ring of private keys. Thread-safe."""

    def __init__(self, ring: dict[str, PrivateKey]) -> None:
        self._ring = dict(ring)
        self._box = lru_cache(maxsize=_CACHED_SENDERS)(self._exchange)

    def unseal(self, *, task_id: str, envelope: bytes) -> bytes:
        """The request's body as it was sent.

        Raises:
            UnknownSealingKeyError: the key that opens the envelope is not in this ring.
            UnknownEnvelopeVersionError: the envelope is of a version that is not known here.
            UnsealError: the envelope is damaged, or was sealed for another task; or the bytes are no envelope.
        """
        key_id = sealed_with(envelope)
        if key_id not in self._ring:
            raise UnknownSealingKeyError(f"no private key with the id {key_id}")
        try:
            plaintext = self._box(key_id, envelope[_SENDER_AT:_BOX_AT]).decrypt(envelope[_BOX_AT:])
        except (CryptoError, ValueError):
            raise UnsealError("the envelope is damaged or forged") from None
        if plaintext[:TASK_ID_LENGTH] != task_id.encode("ascii"):
            raise UnsealError("the envelope was sealed for another task")
        return plaintext[TASK_ID_LENGTH:]

    def _exchange(self, key_id: str, sender: bytes) -> Box:
        return Box(self._ring[key_id], PublicKey(sender))


def _key_id(public: bytes) -> str:
    return hashlib.blake2b(public, digest_size=_KEY_ID_BYTES).hexdigest()


def _line(key_id: str, raw: bytes) -> str:
    return f"{key_id}:{base64.b64encode(raw).decode('ascii')}"


def _parse_line(line: bytes) -> tuple[str, bytes]:
    key_id, _, encoded = line.strip().partition(b":")
    try:
        raw = base64.b64decode(encoded, validate=True)
        bytes.fromhex(key_id.decode("ascii"))
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES or len(key_id) != 2 * _KEY_ID_BYTES:
        raise KeyFormatError("a key is written as 8 hexadecimal digits, a colon and 32 bytes in base64")
    return key_id.decode("ascii").lower(), raw
