"""What a login needs of a hash is read from it as it was written."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from passlib import hash as passlib_hash

from schemas.password_hashes.digests import Step, computed
from schemas.password_hashes.firebase_scrypt import read_firebase_scrypt
from schemas.password_hashes.parsing import HashRules, parse_password_hash
from schemas.password_hashes.prehashed import read_prehashed
from schemas.password_hashes.wrapped import WrappedHash, read_wrapped, scheme_of_wrapped, written_wrapped
from tests.schemas.password_hashes.examples import EXAMPLES, PASSWORD, bytes_of

OF_GOTRUE: Final = (
    "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==$C0sHCg9ek77hsg==$"
    "zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw=="
)
"""The hash of `mytestpassword` in GoTrue's own test, without the signer key."""

SIGNER_KEY_OF_GOTRUE: Final = "ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw=="


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith(("bcrypt, W", "bcrypt-sha256"))])
def test_bcrypt_verifies_what_the_password_is_hashed_to_before(name: str) -> None:
    parts = read_prehashed(EXAMPLES[name].text)
    assert parts is not None
    assert passlib_hash.bcrypt.verify(parts.prehash(PASSWORD.encode()), parts.bcrypt)
    assert not passlib_hash.bcrypt.verify(parts.prehash(b"another"), parts.bcrypt)


def test_wordpress_takes_white_space_away_before_it_hashes() -> None:
    parts = read_prehashed(EXAMPLES["bcrypt, WordPress"].text)
    assert parts is not None
    assert passlib_hash.bcrypt.verify(parts.prehash(f" \n{PASSWORD}\t\0".encode()), parts.bcrypt)
    assert parts.prehash("\u00a0x".encode()) != parts.prehash(b"x")


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith(("bcrypt, W", "bcrypt-sha256"))])
@given(password=st.binary(max_size=2000))
def test_what_bcrypt_is_given_is_within_its_bound_and_without_nul(name: str, password: bytes) -> None:
    parts = read_prehashed(EXAMPLES[name].text)
    assert parts is not None
    given_to_bcrypt = parts.prehash(password)
    assert len(given_to_bcrypt) <= 72
    assert b"\0" not in given_to_bcrypt


def test_gotrue_s_own_example_encrypts_the_signer_key_to_the_hash() -> None:
    signer_key = bytes_of(SIGNER_KEY_OF_GOTRUE)
    assert parse_password_hash(OF_GOTRUE, HashRules(signer_key_bytes=len(signer_key))) == "firebase-scrypt"
    parts = read_firebase_scrypt(OF_GOTRUE)
    assert parts is not None
    key = hashlib.scrypt(b"mytestpassword", salt=parts.salt, n=parts.n, r=parts.r, p=parts.p, dklen=32, maxmem=1 << 26)
    assert Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(signer_key) == parts.digest


def test_a_hash_of_firebase_with_its_key_is_not_read() -> None:
    assert read_firebase_scrypt(OF_GOTRUE.replace("Bw==$", "Bw==,sk=AAAA$")) is None


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith("wrapped")])
def test_argon2_verifies_the_digest_of_the_password(name: str) -> None:
    wrapped = read_wrapped(EXAMPLES[name].text)
    assert wrapped is not None
    assert passlib_hash.argon2.verify(computed(wrapped.steps, PASSWORD.encode()), wrapped.argon2)
    assert scheme_of_wrapped(wrapped.steps) == EXAMPLES[name].scheme
    assert written_wrapped(wrapped) == EXAMPLES[name].text


def test_a_hash_of_another_form_has_no_such_parts() -> None:
    others = [example.text for name, example in EXAMPLES.items() if not name.startswith(("bcrypt", "Fire", "wrap"))]
    assert {read(text) for text in others for read in (read_prehashed, read_firebase_scrypt, read_wrapped)} == {None}


def test_no_value_that_is_read_shows_the_hash() -> None:
    texts = [example.text for example in EXAMPLES.values()]
    shown = repr([read(text) for text in texts for read in (read_prehashed, read_firebase_scrypt, read_wrapped)])
    assert "$" not in shown
    assert WrappedHash((Step("md5", before=b"pepper"),), "hash").steps[0].before == b"pepper"
    assert "pepper" not in repr(WrappedHash((Step("md5", before=b"pepper"),), "hash"))
