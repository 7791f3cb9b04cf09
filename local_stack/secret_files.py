"""The local stack's secrets. They are made once, kept, and readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - dataclass fields
from typing import Final

from schemas.sealing import generate_key_pair

_RANDOM_BYTES: Final = 48
"""Of each secret that is a key. The settings ask for at least 32."""


@dataclass(frozen=True, slots=True)
class SecretFiles:
    """The path of each secret. The object holds no secret itself."""

    jwt_secret: Path
    id_key: Path
    sealing_public_key: Path
    sealing_private_keys: Path
    console_session_key: Path


def make_private_directory(path: Path) -> None:
    """Make the directory, or take all rights of others away from it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def write_private_file(path: Path, text: str) -> None:
    """Write a new file that nobody else can read at any moment.

    Raises:
        FileExistsError: there is a file already. A secret is never written over.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def ensure_secret_files(directory: Path) -> SecretFiles:
    """The secrets in this directory. Makes those that are missing."""
    make_private_directory(directory)
    files = SecretFiles(
        jwt_secret=directory / "jwt-secret",
        id_key=directory / "id-key",
        sealing_public_key=directory / "sealing-public-key",
        sealing_private_keys=directory / "sealing-private-keys",
        console_session_key=directory / "console-session-key",
    )
    for path in (files.jwt_secret, files.id_key, files.console_session_key):
        if not path.exists():
            write_private_file(path, secrets.token_urlsafe(_RANDOM_BYTES) + "\n")
    if not files.sealing_private_keys.exists():
        # A public key without its private key is of no use: nobody can open what it seals.
        files.sealing_public_key.unlink(missing_ok=True)
    if not files.sealing_public_key.exists():
        _make_key_pair(files)
    return files


def _make_key_pair(files: SecretFiles) -> None:
    pair = generate_key_pair()
    if files.sealing_private_keys.exists():
        # The new key is added to the ring, since older keys must still open what they sealed.
        with files.sealing_private_keys.open("a", encoding="ascii") as ring:
            ring.write(pair.private_line + "\n")
    else:
        write_private_file(files.sealing_private_keys, pair.private_line + "\n")
    write_private_file(files.sealing_public_key, pair.public_line + "\n")
