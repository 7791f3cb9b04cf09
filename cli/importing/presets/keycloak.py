"""Keycloak's users: an export of a realm with its users, or of the users alone.

It is made on the server, which is stopped for it: `bin/kc.sh export --dir out --realm shop --users different_files`
writes `shop-users-0.json` and so on, one file for 50 users by default (`--users-per-file`). `--users realm_file` writes
realm and users to one file. Each is an object with the list `users`. `jq -c '.users[]' out/shop-users-*.json` makes one
file of JSON lines of them. The export of the admin console and the REST API have no credentials.

The first credential of the type `password` is brought along: PBKDF2 over SHA-1, SHA-256 and SHA-512, argon2, and bcrypt
of an extension. A file that was made by hand for an import may have the password itself (`value`), which is taken too.
Users of a federation (LDAP) have no credential: `--initial-passwords` gives them a password.

An address is made of the attributes of Keycloak's client scopes `address` and `phone`: `street`, `locality`, `region`,
`postal_code`, `country` and `phoneNumber`. A disabled user becomes INACTIVE with a warning. The account of a service is
refused. Usually wanted: `--default firstName=- --default lastName=- --default addresses.name=Home --default
'addresses.firstName={firstName}' --default addresses.state=-`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cli.importing.hashes import keycloak as hashes
from cli.importing.presets.drafting import (
    Fields,
    Source,
    drafted,
    make_inactive,
    take,
    take_address,
    take_made_hash,
)
from cli.importing.presets.preset import Preset
from cli.importing.records import Fault, Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cli.importing.records import Draft, Record

_CUSTOMER: Final[Fields] = {"email": ("email",), "firstName": ("firstName",), "lastName": ("lastName",)}
"""Fields of a user."""

_ADDRESS: Final[Fields] = {
    "address_1": ("street",),
    "city": ("locality",),
    "state": ("region",),
    "postCode": ("postal_code",),
    "country": ("country",),
    "phone": ("phoneNumber",),
}
"""Attributes of a user, as the mappers of the client scopes `address` and `phone` name them."""


def drafts(records: Iterable[Record]) -> Iterator[Draft]:
    """Users of Keycloak."""
    return drafted(records, _fill)


def _fill(draft: Draft, user: Source) -> None:
    if user.text("serviceAccountClientId"):
        draft.faults.append(Fault("serviceAccountClientId", "this is the account of a service, not of a customer"))
        return
    take(draft, user, _CUSTOMER)
    _take_address(draft, user)
    credential = _password(user.values.get("credentials"))
    if hashes.is_hashed(credential):
        take_made_hash(draft, "credentials", partial(hashes.translate, credential))
    elif isinstance(credential.get("value"), str):
        draft.columns["password"], draft.customer["password"] = "credentials", credential["value"]
    if user.values.get("enabled") is False:
        make_inactive(draft, "enabled", "a user is disabled in Keycloak")


def _take_address(draft: Draft, user: Source) -> None:
    """Make an address of the attributes. Keycloak has a list of values for each."""
    attributes = user.within("attributes")
    lists = {name: value if isinstance(value, list) else [value] for name, value in attributes.values.items()}
    take_address(draft, Source({name: value[0] for name, value in lists.items() if value}, attributes.path), _ADDRESS)
    if draft.customer.get("addresses") and (more := lists.get("street", [])[1:]):
        draft.customer["addresses"][0]["address_2"] = more
        draft.columns["addresses.0.address_2"] = f"{attributes.path}street"


def _password(credentials: Any) -> Mapping[str, Any]:
    """The credential that a login would check. Empty where there is none."""
    found = credentials if isinstance(credentials, list) else []
    passwords = (each for each in found if isinstance(each, dict) and each.get("type") == "password")
    return next(passwords, {})


PRESET: Final = Preset(
    name="keycloak",
    title="Keycloak's users",
    forms=frozenset((Form.JSON_LIST, Form.JSON_LINES)),
    needs=("username",),
    drafts=drafts,
    secrets=frozenset(("credentials",)),
    list_name="users",
)
"""Keycloak's."""
