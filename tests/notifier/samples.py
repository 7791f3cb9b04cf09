"""What several tests of the notifier need."""

from __future__ import annotations

import base64
import ssl
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretBytes

from notifier.endpoints.endpoint import Endpoint
from notifier.endpoints.endpoint_url import parse_endpoint_url
from notifier.sending.sender import Sender

if TYPE_CHECKING:
    from pathlib import Path

KEY: Final = b"0123456789abcdef0123456789abcdef"
SECRET: Final = "whsec_" + base64.b64encode(KEY).decode()
LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def endpoint(url: str, *, name: str = "crm", keys: tuple[bytes, ...] = (KEY,), strict: bool = False) -> Endpoint:
    return Endpoint(
        name=name,
        url=parse_endpoint_url(url, allow_http=True),
        secrets=tuple(SecretBytes(key) for key in keys),
        types=None,
        callers=None,
        is_strict=strict,
    )


def sender(url: str, *, authority: Path | None = None, keys: tuple[bytes, ...] = (KEY,), **options: Any) -> Sender:
    defaults: dict[str, Any] = {
        "timeout_seconds": 10.0,
        "connections": 4,
        "allowed": LOOPBACK,
        "tls": ssl.create_default_context(cafile=None if authority is None else str(authority)),
    }
    return Sender(endpoint(url, keys=keys), **{**defaults, **options})
