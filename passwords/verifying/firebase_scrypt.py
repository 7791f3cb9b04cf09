"""Firebase's scrypt: the key that scrypt derives encrypts the project's signer key, and the result is the hash.

The algorithm is that of https://github.com/firebase/scrypt: AES-256 in counter mode, from the counter 0 on.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from passwords.verifying.scrypt import derived
from schemas.password_hashes.firebase_scrypt import read_firebase_scrypt

_KEY_BYTES: Final = 32
"""Of a key of AES-256."""
_COUNTER: Final = bytes(16)
"""Where AES begins to count."""


@dataclass(frozen=True, slots=True)
class FirebaseKey:
    """What a Firebase project shows as `base64_signer_key` under its password hash parameters, decoded."""

    signer_key: bytes = field(repr=False)


def matches(password: bytes, stored: str, firebase: FirebaseKey) -> bool:
    """Whether this is the password of `$fbscrypt$…` in the project of this key."""
    parts = read_firebase_scrypt(stored)
    if parts is None:
        return False
    key = derived(password, parts.salt, n=parts.n, r=parts.r, p=parts.p, size=_KEY_BYTES)
    encryptor = Cipher(algorithms.AES(key), modes.CTR(_COUNTER)).encryptor()
    return hmac.compare_digest(encryptor.update(firebase.signer_key) + encryptor.finalize(), parts.digest)
