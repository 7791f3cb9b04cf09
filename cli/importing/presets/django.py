"""Django's users, as JSON by `dumpdata` or as CSV of the table.

JSON is made in the project: `python manage.py dumpdata auth.user > users.json`, or with the project's own model of
users. `--format jsonl` serves as well. Objects of other models are refused, so only the users' model is to be named.
CSV is the table `auth_user` with its columns: `psql -c 'copy auth_user to stdout csv header'`, or an export of
django-import-export.

`password` is brought along: PBKDF2, scrypt, argon2, bcrypt and bcrypt_sha256. MD5 and SHA-1, from Django before 1.4,
are fast: the worker needs INTAKE_WRAP_FAST_HASHES. An unusable password (`!…`) is none: `--initial-passwords` gives
one.

A user whose `is_active` is false becomes INACTIVE with a warning. Usually wanted: `--default firstName=- --default
lastName=-`, since Django asks for neither name. A user without an email is refused; Django's user name is no email.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.hashes import django as hashes
from cli.importing.presets.drafting import Fields, Source, drafted, make_inactive, take, take_hash
from cli.importing.presets.preset import Preset
from cli.importing.records import Fault, Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.importing.records import Draft, Record

_CUSTOMER: Final[Fields] = {"email": ("email",), "firstName": ("first_name",), "lastName": ("last_name",)}
"""Fields of the model."""
_FALSE: Final = frozenset(("false", "f", "0"))
"""How JSON and the databases write `is_active` where it is false, in lower case."""


def drafts(records: Iterable[Record]) -> Iterator[Draft]:
    """Users of Django."""
    return drafted(records, _fill)


def _fill(draft: Draft, user: Source) -> None:
    if "fields" in user.values:
        user = user.within("fields")
    if "password" not in user.values:
        draft.faults.append(Fault("", "this is no user: name the users' model, as in dumpdata auth.user"))
        return
    take(draft, user, _CUSTOMER)
    take_hash(draft, user, ("password",), hashes.translate)
    if user.text("is_active").lower() in _FALSE:
        make_inactive(draft, f"{user.path}is_active", "a user is not active in Django")


PRESET: Final = Preset(
    name="django",
    title="Django's users",
    forms=frozenset((Form.TABLE, Form.JSON_LIST, Form.JSON_LINES)),
    needs=(),  # the two forms have no name in common
    drafts=drafts,
    secrets=frozenset(("password", "fields.password")),
)
"""Django's."""
