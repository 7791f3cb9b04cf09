"""Real processes with impossible settings. Standard error names each of these settings and never shows its value."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from schemas.sealing import generate_key_pair

PROGRAMS: Final = {
    "shim": (
        [sys.executable, "-m", "api_shim"],
        ["REDIS_URL", "ID_KEY", "SEALING_PUBLIC_KEY", "JWT_SECRET", "JWT_PUBLIC_KEYS"],
    ),
    "worker": ([sys.executable, "-m", "worker"], ["REDIS_URL", "ID_KEY", "SEALING_PRIVATE_KEYS", "MONGODB_URI"]),
    "notifier": ([sys.executable, "-m", "notifier"], ["REDIS_URL"]),
    "console": (
        [sys.executable, "-m", "console"],
        ["REDIS_URL", "JWT_SECRET", "JWT_PUBLIC_KEYS", "CONSOLE_SESSION_KEY"],
    ),
    "command line": ([str(Path(sys.executable).parent / "customer-intake"), "dead-letters", "list"], ["REDIS_URL"]),
}
"""Each program with the names of its settings that hold a secret."""

LEAST_OF_A_PIECE: Final = 6
"""So many characters of a secret count as a piece of it. They are too many to be in our own words by chance."""


def bad_settings(character: str) -> tuple[dict[str, str], list[str]]:
    """Settings of every kind of secret, each unusable, and the secrets in them."""
    pieces = [secrets.token_hex(8) for _ in range(11)]
    password = f"{pieces[0]}{character}{pieces[1]}"
    pair = generate_key_pair()
    broken = pair.private_line[:-3] + character
    settings = {
        "REDIS_URL": f"redis://{pieces[2]}:{password}@127.0.0.1:1/0",
        "MONGODB_URI": f"mongodb://{pieces[3]}:{password}:@127.0.0.1:1/?{pieces[4]}=1",
        "ID_KEY": pieces[5],
        "JWT_SECRET": pieces[5],
        "CONSOLE_SESSION_KEY": pieces[5],
        "JWT_PUBLIC_KEYS": f"-----BEGIN PUBLIC KEY-----\n{pieces[6]}{character}\n-----END PUBLIC KEY-----",
        "SEALING_PUBLIC_KEY": broken,
        "SEALING_PRIVATE_KEYS": broken,
        # These secrets were pasted into the wrong variables.
        "LOG_LEVEL": pieces[7],
        "PORT": pieces[8],
        "WORKER_METRICS_PORT": pieces[9],
        "REDIS_ULR": pieces[10],
    }
    return settings, [*pieces, broken.partition(":")[2]]


def output_of(command: list[str], settings: dict[str, str]) -> tuple[int, str]:
    """How the process ended and all that it wrote."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INTAKE_")}
    environment |= {f"INTAKE_{name}": value for name, value in settings.items()}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("character", [*(pytest.param(each, marks=pytest.mark.slow) for each in "#/@?"), "é\n["])
def test_no_piece_of_a_secret_is_in_what_a_process_says_about_its_settings(program: str, character: str) -> None:
    command, names = PROGRAMS[program]
    settings, secret = bad_settings(character)

    code, output = output_of(command, settings)

    assert code != 0
    assert "Traceback" not in output
    for name in names:
        assert f"INTAKE_{name} " in output
    assert "INTAKE_REDIS_ULR (INTAKE_REDIS_URL?)" in output
    for text in secret:
        assert not [at for at in range(len(text) - LEAST_OF_A_PIECE) if text[at : at + LEAST_OF_A_PIECE] in output]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_file_that_cannot_be_read_is_told_without_its_path(program: str, tmp_path: Path) -> None:
    command, names = PROGRAMS[program]
    names = [*names, "REDIS_SENTINEL_PASSWORD"]
    code, output = output_of(command, {f"{name}_FILE": str(tmp_path / "canary") for name in names})
    assert code != 0
    assert "canary" not in output
    for name in names:
        assert f"INTAKE_{name}_FILE names a file that cannot be read (FileNotFoundError)" in output
