"""Which tokens are good: the part of the settings about tokens."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from edge.tokens.keys import PublicKeyFault, VerificationKey, is_key_file, parse_public_keys
from startup.environment import MINIMUM_KEY_BYTES

if TYPE_CHECKING:
    from pydantic import SecretBytes

    from startup.environment import EnvironmentReader

SECRET: Final = "JWT_SECRET"  # noqa: S105 - a variable's name
"""The setting of the HS256 secret."""
PUBLIC_KEYS: Final = "JWT_PUBLIC_KEYS"
"""The setting of the public keys."""
JWKS_URL: Final = "JWT_JWKS_URL"
"""The setting of the URL of a JWKS."""

_SCOPE: Final = re.compile(r"[!#-\[\]-~]++")
"""A scope, by RFC 6749, section 3.3: without characters that need quoting in a header."""

_MAXIMUM_ISSUER_CHARACTERS: Final = 255
"""The longest name of an issuer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """Which tokens are good."""

    secret: SecretBytes | None
    secret_file: str = ""
    """The file that the secret came from, which is read again when it changes. Empty where the variable held it."""
    public_keys: tuple[VerificationKey, ...]
    public_keys_file: str = ""
    """The same for the public keys."""
    jwks_url: str = field(default="", repr=False)
    """Where further public keys are fetched from."""
    jwks_refresh_seconds: float = 300
    audience: str
    issuers: tuple[str, ...]
    """The issuers that are trusted; none means any. Every key serves all of them."""
    leeway_seconds: float
    create_scopes: tuple[str, ...]
    """A caller with any of these scopes may create. A refusal names the first."""
    scope_claim: str = "scope"


def read_token_settings(reader: EnvironmentReader) -> TokenSettings:
    """Read the settings about tokens. The reader collects the faults."""
    secret = reader.optional_secret(SECRET)
    if secret is not None:
        fault = secret_fault(secret.get_secret_value())
        if fault is not None:
            reader.fault(SECRET, fault)
    public_keys: tuple[VerificationKey, ...] = ()
    raw_keys = reader.optional_secret(PUBLIC_KEYS)
    if raw_keys is not None:
        try:
            public_keys = parse_public_keys(raw_keys.get_secret_value())
        except PublicKeyFault as error:
            reader.fault(PUBLIC_KEYS, str(error))
    url = reader.text(JWKS_URL, "")
    if url and not _is_trustworthy(url):
        reader.fault(JWKS_URL, "must be a URL that starts with https:// (http:// on this machine) and has no password")
    if secret is None and raw_keys is None and not url:
        reader.fault(SECRET, "or INTAKE_JWT_PUBLIC_KEYS (or one of them with _FILE) or INTAKE_JWT_JWKS_URL is required")
    scopes = tuple(dict.fromkeys(reader.text("SCOPES", "customer:create api").split()))
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        reader.fault("SCOPES", "must hold only visible ASCII characters without quotes and backslashes")
    issuers = tuple(dict.fromkeys(reader.text("JWT_ISSUER", "").split()))
    if any(len(issuer) > _MAXIMUM_ISSUER_CHARACTERS for issuer in issuers):
        reader.fault("JWT_ISSUER", f"must hold issuers of at most {_MAXIMUM_ISSUER_CHARACTERS} characters")
    return TokenSettings(
        secret=secret,
        secret_file=reader.text(f"{SECRET}_FILE", ""),
        public_keys=public_keys,
        public_keys_file=reader.text(f"{PUBLIC_KEYS}_FILE", ""),
        jwks_url=url,
        jwks_refresh_seconds=reader.seconds("JWT_JWKS_REFRESH_SECONDS", 300, minimum=10, maximum=86400),
        audience=reader.text("JWT_AUDIENCE", ""),
        issuers=issuers,
        leeway_seconds=reader.seconds("JWT_LEEWAY_SECONDS", 30, minimum=0, maximum=300),
        create_scopes=scopes,
        scope_claim=reader.text("JWT_SCOPE_CLAIM", "scope"),
    )


def secret_fault(secret: bytes) -> str | None:
    """What keeps this from being an HS256 secret; completes a sentence that starts with the variable's name."""
    if len(secret) < MINIMUM_KEY_BYTES:
        return f"must be at least {MINIMUM_KEY_BYTES} bytes long"
    if is_key_file(secret):
        return "holds a key file (PEM, JWKS or SSH), which is no shared secret: give INTAKE_JWT_PUBLIC_KEYS public keys"
    return None


def _is_trustworthy(url: str) -> bool:
    """Whether nobody between here and there can change the keys, and the URL holds no secret."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # a port that is no number raises
    except ValueError:
        return False
    if (
        not host
        or parts.username is not None
        or parts.password is not None
        or not url.isascii()
        or not url.isprintable()
    ):
        return False
    return " " not in url and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
