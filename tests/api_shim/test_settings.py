"""The shim's settings. All faults are named at once, and no value is ever shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api_shim.settings import read_shim_settings
from schemas.sealing import generate_key_pair
from startup.environment import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

_GOOD: Final = {
    "INTAKE_ID_KEY": "i" * 32,
    "INTAKE_JWT_SECRET": "j" * 32,
    "INTAKE_SEALING_PUBLIC_KEY": generate_key_pair().public_line,
}


def _faults(**changes: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as error:
        read_shim_settings(_GOOD | {f"INTAKE_{name}": value for name, value in changes.items()})
    return error.value.faults


def _run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith("INTAKE_")}
    return subprocess.run(
        [sys.executable, "-m", "api_shim"],
        env=outer | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_start_without_settings_ends_with_2_and_names_every_variable() -> None:
    ended = _run({})

    assert ended.returncode == 2
    assert all(f"INTAKE_{name}" in ended.stderr for name in ("ID_KEY", "JWT_SECRET", "SEALING_PUBLIC_KEY"))
    assert "INTAKE_JWT_PUBLIC_KEYS" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_start_with_faulty_settings_names_them_and_shows_no_value() -> None:
    faulty = {
        "INTAKE_ID_KEY": "hush-1",
        "INTAKE_JWT_SECRET": "hush-2",
        "INTAKE_JWT_PUBLIC_KEYS": "hush-3",
        "INTAKE_SEALING_PUBLIC_KEY": "hush-4",
        "INTAKE_REDIS_URL": "http://hush-5@x/",
        "INTAKE_PORT": "hush-6",
        "INTAKE_PREFIX": "hush-7",
        "INTAKE_RATE_PER_SECOND": "hush-8",
        "INTAKE_MAX_BODY_BYTES": "-1",
        "INTAKE_LOG_LEVEL": "hush-9",
    }

    ended = _run(faulty)

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == len(faulty)
    assert all(name in ended.stderr for name in faulty)
    assert "hush" not in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = read_shim_settings(_GOOD)

    assert (settings.port, settings.prefix, settings.maximum_body_bytes) == (3005, "/services", 256 * 1024)
    assert settings.tokens.create_scopes == ("customer:create", "api")
    assert settings.rate_per_second == 0
    assert (settings.tokens.audience, settings.tokens.issuers) == ("", ())
    assert (settings.tokens.scope_claim, settings.tokens.jwks_url) == ("scope", "")


def test_the_default_bounds_of_batches_allow_a_million_rows() -> None:
    bounds = read_shim_settings(_GOOD).batches

    assert min(bounds.maximum_rows, bounds.maximum_open_rows) > 1_000_000
    assert bounds.maximum_bytes > 1024**3
    assert (bounds.maximum_open_batches, bounds.maximum_uploads, bounds.wait_seconds) == (100, 64, 20)


@pytest.mark.parametrize("length", [1, 31])
def test_a_jwt_secret_under_32_bytes_is_refused(length: int) -> None:
    assert _faults(JWT_SECRET="s" * length) == ("INTAKE_JWT_SECRET must be at least 32 bytes long",)


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("f" * 32 + "\n")

    settings = read_shim_settings(_GOOD | {"INTAKE_JWT_SECRET": "", "INTAKE_JWT_SECRET_FILE": str(path)})

    assert settings.tokens.secret is not None
    assert settings.tokens.secret.get_secret_value() == b"f" * 32
    assert "f" * 32 not in repr(settings)
    assert "i" * 32 not in repr(settings)


def test_a_secret_file_that_is_missing_is_named_by_its_variable(tmp_path: Path) -> None:
    (fault, *others) = _faults(ID_KEY="", ID_KEY_FILE=str(tmp_path / "hush"))

    assert fault.startswith("INTAKE_ID_KEY_FILE ")
    assert "hush" not in fault
    assert others == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("BATCH_MAX_BYTES", "1023"),
        ("BATCH_MAX_ROWS", "-1"),
        ("MAX_OPEN_ROWS", "-1"),
        ("MAX_OPEN_BATCHES", "-1"),
        ("MAX_UPLOADS", "0"),
        ("BATCH_WAIT_SECONDS", "601"),
        ("PORT", "1.5"),
        ("PROCESSES", "0"),
        ("RATE_PER_SECOND", "nan"),
        ("RATE_PER_SECOND", "-1"),
        ("RATE_BURST", "0"),
        ("MAX_BODY_BYTES", "1"),
        ("MAX_OPEN_TASKS", "-1"),
        ("REDIS_TIMEOUT_SECONDS", "inf"),
        ("JWT_LEEWAY_SECONDS", "301"),
        ("RESULT_TTL_SECONDS", "3600"),
        ("PREFIX", "services"),
        ("PREFIX", "//elsewhere.example"),
        ("PREFIX", "/{id}"),
        ("PREFIX", "/a b"),
        ("PREFIX", "/прием"),
        ("JWT_PUBLIC_KEYS", "no key"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://["),
    ],
)
def test_a_value_out_of_bounds_is_named_by_its_variable(name: str, value: str) -> None:
    (fault,) = _faults(**{name: value})

    assert fault.startswith(f"INTAKE_{name} ")


@pytest.mark.parametrize(("prefix", "means"), [("/", ""), ("/a/b/", "/a/b"), ("", "/services")])
def test_a_prefix_ends_without_a_slash(prefix: str, means: str) -> None:
    assert read_shim_settings(_GOOD | {"INTAKE_PREFIX": prefix}).prefix == means


_EC: Final = ec.generate_private_key(ec.SECP256R1()).public_key()
_PEM: Final = _EC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
_SSH: Final = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
_JWKS: Final = json.dumps({"keys": [jwt.get_algorithm_by_name("ES256").to_jwk(_EC, as_dict=True)]}).encode()


@pytest.mark.parametrize("content", [_PEM, b"\n" + _PEM, _SSH, _JWKS], ids=["PEM", "PEM after a line", "SSH", "JWKS"])
@pytest.mark.parametrize("by_file", [False, True], ids=["variable", "file"])
def test_a_public_key_as_the_shared_secret_is_refused_at_the_start(
    content: bytes, by_file: bool, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    given = {"JWT_SECRET": "", "JWT_SECRET_FILE": str(path)} if by_file else {"JWT_SECRET": content.decode()}

    (fault,) = _faults(**given)

    assert fault.startswith("INTAKE_JWT_SECRET holds a key file")
    assert "INTAKE_JWT_PUBLIC_KEYS" in fault
    assert content.decode().split()[-1][:20] not in fault


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example.com/.well-known/jwks.json",
        "https://login.example.com:8443/keys?tenant=1",
        "http://127.0.0.1:8080/jwks",
        "http://[::1]/jwks",
        "http://localhost/jwks",
    ],
)
def test_a_jwks_url_is_enough(url: str) -> None:
    settings = read_shim_settings(_GOOD | {"INTAKE_JWT_SECRET": "", "INTAKE_JWT_JWKS_URL": url})

    assert settings.tokens.jwks_url == url
    assert settings.tokens.jwks_refresh_seconds == 300


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/jwks",
        "http://localhost.example.com/jwks",
        "http://10.0.0.1/jwks",
        "https://me:hush@login.example.com/jwks",
        "https://me@login.example.com/jwks",
        "https:///jwks",
        "https://login.example.com:x/jwks",
        "https://login.example.com/a b",
        "https://login.example.com/\u00e4",
        "https://[login/jwks",
        "file:///etc/passwd",
        "ftp://login.example.com/jwks",
        "login.example.com",
    ],
)
def test_a_jwks_url_that_is_unsafe_or_no_url_is_refused(url: str) -> None:
    (fault,) = _faults(JWT_JWKS_URL=url)

    assert fault.startswith("INTAKE_JWT_JWKS_URL must be a URL")
    assert "hush" not in fault


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_JWKS_REFRESH_SECONDS", "1"),
        ("SCOPES", 'a "b"'),
        ("SCOPES", "a\\"),
        ("SCOPES", "\u00e4"),
        ("JWT_ISSUER", "i" * 256),
    ],
)
def test_a_token_setting_out_of_bounds_is_named_by_its_variable(name: str, value: str) -> None:
    (fault,) = _faults(**{name: value})

    assert fault.startswith(f"INTAKE_{name} ")


def test_issuers_and_scopes_are_separated_by_spaces() -> None:
    tokens = read_shim_settings(_GOOD | {"INTAKE_JWT_ISSUER": " a  b a ", "INTAKE_SCOPES": "x y x"}).tokens

    assert (tokens.issuers, tokens.create_scopes) == (("a", "b"), ("x", "y"))
