"""The local stack's secrets: made once, kept afterwards, readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - dataclass fields

from schemas.sealing import generate_key_pair

_RANDOM_BYTES = 48


@dataclass(frozen=True, slots=True)
class SecretFiles:
    """Where each secret lies; this object holds none."""

    jwt_secret: Path
    id_key: Path
    sealing_public_key: Path
    sealing_private_keys: Path


def make_private_directory(path: Path) -> None:
    """Make the directory, or take away what others may do with it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def write_private_file(path: Path, text: str) -> None:
    """Write a new file that nobody else can read, not even while it is written.

    Raises:
        FileExistsError: it is there already; a secret is never written over.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def ensure_secret_files(directory: Path) -> SecretFiles:
    """The secrets of this directory; those that are missing are made."""
    make_private_directory(directory)
    files = SecretFiles(
        jwt_secret=directory / "jwt-secret",
        id_key=directory / "id-key",
        sealing_public_key=directory / "sealing-public-key",
        sealing_private_keys=directory / "sealing-private-keys",
    )
    for path in (files.jwt_secret, files.id_key):
        if not path.exists():
            write_private_file(path, secrets.token_urlsafe(_RANDOM_BYTES) + "\n")
    if not files.sealing_private_keys.exists():
        # The public key alone is of no use, and what it sealed is lost with its private key.
        files.sealing_public_key.unlink(missing_ok=True)
    if not files.sealing_public_key.exists():
        _make_key_pair(files)
    return files


def _make_key_pair(files: SecretFiles) -> None:
    pair = generate_key_pair()
    if files.sealing_private_keys.exists():
        # What older keys sealed must still open: the new one joins their ring.
        with files.sealing_private_keys.open("a", encoding="ascii") as ring:
            ring.write(pair.private_line + "\n")
    else:
        write_private_file(files.sealing_private_keys, pair.private_line + "\n")
    write_private_file(files.sealing_public_key, pair.public_line + "\n")
