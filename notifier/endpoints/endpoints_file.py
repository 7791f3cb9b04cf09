"""Reads the file of endpoints. A fault tells the line, and never repeats what stands there: it may be a secret.

The file is TOML, with a table for each endpoint:

    [[endpoint]]
    name = "crm"
    url = "https://crm.example.com/hooks/customers"
    secrets = ["whsec_…"]
    types = ["customer.created"]
    callers = ["shop"]
    order = "strict"
"""

from __future__ import annotations

import base64
import binascii
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretBytes

from notifier.endpoints.endpoint import Endpoint
from notifier.endpoints.endpoint_url import EndpointUrl, UrlFault, parse_endpoint_url
from notifier.endpoints.toml_lines import TomlLines, line_of_error

if TYPE_CHECKING:
    from collections.abc import Collection

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - no secret begins to be one by this
"""What a secret begins with (Standard Webhooks)."""
SECRET_BYTES: Final = range(24, 65)
"""How long a secret may be once it is decoded (Standard Webhooks)."""

LARGEST_FILE: Final = 1024 * 1024
"""Bytes that the file may have."""
_MOST_ENDPOINTS: Final = 100
"""Endpoints that the file may name. Each of them reads all events."""
_MOST_SECRETS: Final = 4
"""Secrets of one endpoint. Each makes the signature's header longer."""
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?")
"""The name of an endpoint: part of a key in Redis, and a label of metrics."""
_TABLE: Final = "endpoint"
"""What the tables of endpoints are called."""
_ORDERS: Final = {"any": False, "strict": True}
"""Each `order`, and whether events are sent one after the other."""
_KEYS: Final = ("name", "url", "secrets", "types", "callers", "order")
"""What the table of an endpoint may have."""

_NO_URL: Final = EndpointUrl("https", "", 0, "/")
"""Stands for a URL that has a fault, while the rest of the file is read."""


class EndpointsFileError(ValueError):
    """The file cannot be used. `faults` has a sentence for each fault, with its line and without any value."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


def parse_endpoints(content: bytes, *, types: Collection[str], allow_http: bool = False) -> tuple[Endpoint, ...]:
    """The endpoints that the file names, in its order.

    Args:
        content: the file.
        types: the types of events that there are.
        allow_http: whether URLs may begin with http://.

    Raises:
        EndpointsFileError: something in it is missing, unknown or of a wrong form.
    """
    if len(content) > LARGEST_FILE:
        raise EndpointsFileError([f"must have at most {LARGEST_FILE} bytes"])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise EndpointsFileError([f"line {line}: is no text in UTF-8"]) from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EndpointsFileError([f"line {line_of_error(error, text)}: is no TOML"]) from None
    except ValueError:
        # Python makes no number of so many digits, and `tomllib` hands that error on.
        raise EndpointsFileError(["has a number that is too long"]) from None
    except RecursionError:
        raise EndpointsFileError(["is nested too deeply"]) from None
    return _Reading(TomlLines(text, table=_TABLE), types=types, allow_http=allow_http).endpoints(tables)


class _Reading:
    """One reading of a file. Faults are collected, so that one reading tells all of them."""

    def __init__(self, lines: TomlLines, *, types: Collection[str], allow_http: bool) -> None:
        self._lines = lines
        self._types = types
        self._allow_http = allow_http
        self._faults: list[str] = []
        self._at = 0

    def endpoints(self, tables: dict[str, Any]) -> tuple[Endpoint, ...]:
        entries = tables.pop(_TABLE, [])
        if tables:
            self._faults.append(f"line {self._lines.of_top()}: only [[{_TABLE}]] tables are known")
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            self._faults.append(f"must have {_TABLE}s as [[{_TABLE}]] tables")
            entries = []
        if len(entries) > _MOST_ENDPOINTS:
            self._faults.append(f"must name at most {_MOST_ENDPOINTS} endpoints")
            entries = []
        found: dict[str, Endpoint] = {}
        for self._at, entry in enumerate(entries):
            endpoint = self._endpoint(entry)
            if endpoint.name in found:
                self._fault("name", "is the name of another endpoint too")
            found[endpoint.name] = endpoint
        if self._faults:
            raise EndpointsFileError(self._faults)
        return tuple(found.values())

    def _endpoint(self, entry: dict[str, Any]) -> Endpoint:
        for key in entry:
            if key not in _KEYS:
                self._fault(key, f"is not known here. Known are: {', '.join(_KEYS)}", shown="a key")
        name = entry.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._fault("name", "must be 1 to 40 of a-z, 0-9, - and _, the first and last a letter or digit")
            name = ""
        return Endpoint(
            name=name,
            url=self._url(entry.get("url")),
            secrets=self._secrets(entry.get("secrets")),
            types=self._some_types(entry),
            callers=self._texts(entry, "callers"),
            is_strict=self._is_strict(entry.get("order", "any")),
        )

    def _url(self, value: object) -> EndpointUrl:
        if not isinstance(value, str):
            self._fault("url", "is required, as a text")
            return _NO_URL
        try:
            return parse_endpoint_url(value, allow_http=self._allow_http)
        except UrlFault as fault:
            self._fault("url", str(fault))
            return _NO_URL

    def _secrets(self, value: object) -> tuple[SecretBytes, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= _MOST_SECRETS:
            self._fault("secrets", f"must be a list of 1 to {_MOST_SECRETS} secrets")
            return ()
        secrets = [_secret(each) for each in value]
        if None in secrets:
            sizes = f"{SECRET_BYTES[0]} to {SECRET_BYTES[-1]} bytes"
            self._fault("secrets", f"must each be {SECRET_PREFIX} and then {sizes} in base64")
        return tuple(SecretBytes(each) for each in secrets if each is not None)

    def _some_types(self, entry: dict[str, Any]) -> frozenset[str] | None:
        types = self._texts(entry, "types")
        if types is not None and not types <= set(self._types):
            self._fault("types", f"must be some of {', '.join(self._types)}")
        return types

    def _is_strict(self, order: object) -> bool:
        if not isinstance(order, str) or order not in _ORDERS:
            self._fault("order", "must be " + " or ".join(f'"{each}"' for each in _ORDERS))
            return False
        return _ORDERS[order]

    def _texts(self, entry: dict[str, Any], key: str) -> frozenset[str] | None:
        value = entry.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
            self._fault(key, "must be a list of texts that is not empty; without it, all are meant")
            return None
        return frozenset(value)

    def _fault(self, key: str, sentence: str, *, shown: str = "") -> None:
        # A key that is unknown may be a secret that stands at a wrong place.
        self._faults.append(f"line {self._lines.of_key(self._at, key)}: {shown or key} {sentence}")


def _secret(text: object) -> bytes | None:
    """The secret's bytes; None if it is none. Unlike the package that signs, this takes no character for nothing."""
    if not isinstance(text, str) or not text.startswith(SECRET_PREFIX):
        return None
    encoded = text.removeprefix(SECRET_PREFIX)
    try:
        secret = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return secret if len(secret) in SECRET_BYTES else None
