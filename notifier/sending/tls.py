"""Whose certificates are trusted for endpoints."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from httpcore2 import default_ssl_context

from startup.environment import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def tls_of_endpoints(ca_file: Path | None) -> ssl.SSLContext:
    """Trust the system's authorities, and those of the file. A certificate must be good for the host's name.

    Raises:
        SettingsError: the file has no certificates.
    """
    context = default_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError):
            raise SettingsError(["INTAKE_WEBHOOKS_CA_FILE names no file of certificates in PEM form"]) from None
    return context
