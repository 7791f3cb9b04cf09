"""Supabase's users, as CSV or JSON of the table `auth.users`.

The export is made in the project's SQL editor (`select * from auth.users where deleted_at is null`, then Export as CSV
or JSON), or by psql (`copy … to stdout csv header`). At least `email`, `encrypted_password` and
`raw_user_meta_data` are wanted. The list that the admin API gives is not enough, since it has no passwords.

`encrypted_password` is a bcrypt hash, which is brought along as it is. People who came by a social login have none:
`--initial-passwords` gives them one. Names are whatever the application wrote to `raw_user_meta_data`: `first_name` and
`last_name`, `given_name` and `family_name`, the same in camel case, or one whole name (`full_name`, `name`), which then
becomes the first name with a warning. Usually wanted: `--default lastName=- --default firstName=-`.

Who is banned, or never confirmed the email address, becomes INACTIVE with a warning. Refused are users who are deleted,
and those without an email: anonymous ones, and people with a phone alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.presets.drafting import Fields, Source, drafted, make_inactive, take, take_whole_name, within_text
from cli.importing.presets.preset import Preset
from cli.importing.records import Fault, Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.importing.records import Draft, Record

_CUSTOMER: Final[Fields] = {"email": ("email",), "passwordHash": ("encrypted_password",)}
"""Columns of the table."""
_NAMES: Final[Fields] = {
    "firstName": ("first_name", "firstName", "given_name", "givenName"),
    "lastName": ("last_name", "lastName", "family_name", "familyName"),
}
"""Names of the metadata, which every application is free to choose: those of Supabase's examples and of OpenID."""
_WHOLE_NAMES: Final = ("full_name", "fullName", "name")
"""Names of the metadata that hold first and last name in one."""


def drafts(records: Iterable[Record]) -> Iterator[Draft]:
    """Users of Supabase."""
    return drafted(records, _fill)


def _fill(draft: Draft, user: Source) -> None:
    take(draft, user, _CUSTOMER)
    metadata = within_text(draft, user, "raw_user_meta_data")
    take(draft, metadata, _NAMES)
    take_whole_name(draft, metadata, _WHOLE_NAMES)
    if user.text("deleted_at"):
        draft.faults.append(Fault("deleted_at", "this user was deleted in Supabase"))
    if user.text("banned_until"):
        make_inactive(draft, "banned_until", "a user is banned in Supabase")
    elif "email_confirmed_at" in user.values and not user.text("email_confirmed_at"):
        make_inactive(draft, "email_confirmed_at", "a user has not confirmed the email address in Supabase")


PRESET: Final = Preset(
    name="supabase",
    title="Supabase's auth.users",
    forms=frozenset((Form.TABLE, Form.JSON_LIST, Form.JSON_LINES)),
    needs=("email", "encrypted_password"),
    drafts=drafts,
    secrets=frozenset(
        (
            "encrypted_password",
            "confirmation_token",
            "recovery_token",
            "email_change_token_new",
            "email_change_token_current",
            "phone_change_token",
            "reauthentication_token",
        )
    ),
)
"""Supabase's."""
