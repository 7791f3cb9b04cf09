"""Auth0's users: an export of users, an export of password hashes, or a file for Auth0's bulk import.

The export of users is made by the dashboard (User Management > Users > Export) or by the Management API (`POST
/api/v2/jobs/users-exports` with the format `json`). It is JSON lines, and has no hashes. Choose at least the fields
`email`, `given_name`, `family_name` and `blocked`. A file with hashes is made by Auth0's support for those who ask. It
is JSON lines as well, with `email` and `passwordHash` (bcrypt) and without names. To bring both along, join the two
first: `jq -c -s 'group_by(.email)[] | add' users.json hashes.json > joined.jsonl`. A file for the bulk import is a JSON
list, with `password_hash` or `custom_password_hash`.

`custom_password_hash` is brought along, except MD4, HMAC and hashes of a password in another encoding than UTF-8. MD5
and SHA are fast: the worker needs INTAKE_WRAP_FAST_HASHES. Users without a hash get an initial password by
`--initial-passwords`.

Where a user has one name only, it becomes the first name, with a warning; Auth0 fills `name` with the email where it
knows no better, and that is left out. A blocked user becomes INACTIVE with a warning. Usually wanted: `--default
firstName=- --default lastName=-`. Metadata is left out.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from cli.importing.hashes import auth0 as hashes
from cli.importing.hashes.foreign_hash import ForeignHashError
from cli.importing.presets.drafting import (
    Fields,
    Source,
    drafted,
    make_inactive,
    take,
    take_hash,
    take_made_hash,
    take_whole_name,
)
from cli.importing.presets.preset import Preset
from cli.importing.records import Fault, Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.importing.records import Draft, Record

_CUSTOMER: Final[Fields] = {
    "email": ("email", "Email"),
    "firstName": ("given_name", "Given Name"),
    "lastName": ("family_name", "Family Name"),
}
"""Fields of a user. The dashboard's and the older extension's default names are with capitals."""

_MARKS: Final = frozenset(("email", "Email", "user_id", "Id", "_id"))
"""Each user has one of these."""


def drafts(records: Iterable[Record]) -> Iterator[Draft]:
    """Users of Auth0."""
    return drafted(records, _fill)


def _fill(draft: Draft, user: Source) -> None:
    if not user.values.keys() & _MARKS:
        draft.faults.append(Fault("", "this is no user of Auth0: it has neither an email nor a user_id"))
        return
    take(draft, user, _CUSTOMER)
    whole = user.first(("name", "Name"))
    if whole is not None and "@" not in str(whole[1]):
        take_whole_name(draft, user, ("name", "Name"))
    custom = user.values.get("custom_password_hash")
    if isinstance(custom, dict):
        take_made_hash(draft, "custom_password_hash", partial(hashes.translate, custom))
    else:
        take_hash(draft, user, ("password_hash", "passwordHash"), _bcrypt)
    for name in ("blocked", "Blocked"):
        if user.values.get(name) is True:
            make_inactive(draft, name, "a user is blocked in Auth0")


def _bcrypt(text: str) -> str:
    """Auth0 itself makes no other hashes. Other products have fields of the same name."""
    if not text.startswith("$2"):
        raise ForeignHashError(
            "is no bcrypt, and Auth0 makes nothing else: other hashes belong in custom_password_hash"
        )
    return text


PRESET: Final = Preset(
    name="auth0",
    title="Auth0's users",
    forms=frozenset((Form.JSON_LINES, Form.JSON_LIST)),
    needs=(),  # the names of an export are chosen by who makes it
    drafts=drafts,
    secrets=frozenset(("custom_password_hash", "password_hash", "passwordHash", "mfa_factors")),
)
"""Auth0's."""
