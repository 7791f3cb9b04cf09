"""Firebase's users, as JSON by `firebase auth:export users.json`.

The file is an object with the list `users` (src/accountExporter.ts in firebase/firebase-tools). The CSV that the same
command makes has no names of columns, and is not read.

`passwordHash` and `salt` are brought along together. The worker and the login need the signer key of the project, which
the console shows under Authentication > Users > Password hash parameters. The other parameters there are usually
`base64_salt_separator: Bw==`, `rounds: 8`, `mem_cost: 14`; others are given by `--parameter mem_cost=12`.
Users who sign in with Google, a link or a phone have no hash: `--initial-passwords` gives them a password.

Firebase knows one name: `displayName` becomes the first name, with a warning. A disabled user becomes INACTIVE with a
warning. Usually wanted: `--default firstName=- --default lastName=-`. The phone and custom claims are left out, since
a customer has neither. A user without an email is refused.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from cli.importing.hashes import firebase as hashes
from cli.importing.presets.drafting import (
    Fields,
    Source,
    drafted,
    make_inactive,
    take,
    take_made_hash,
    take_whole_name,
)
from cli.importing.presets.preset import Preset, UnknownParameterError
from cli.importing.records import Form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cli.importing.records import Draft, Record

_CUSTOMER: Final[Fields] = {"email": ("email",)}
"""Fields of a user."""


def drafts(records: Iterable[Record], parameters: hashes.HashParameters = hashes.USUAL) -> Iterator[Draft]:
    """Users of Firebase."""
    return drafted(records, partial(_fill, parameters=parameters))


def tuned(given: Mapping[str, str]) -> Callable[[Iterable[Record]], Iterator[Draft]]:
    """The drafts of a project with other parameters; see Preset."""
    try:
        parameters = hashes.parse_parameters(given)
    except hashes.ParameterError as error:
        raise UnknownParameterError(str(error)) from None
    return partial(drafts, parameters=parameters)


def _fill(draft: Draft, user: Source, parameters: hashes.HashParameters) -> None:
    take(draft, user, _CUSTOMER)
    take_whole_name(draft, user, ("displayName",))
    make = partial(hashes.translate, user.text("passwordHash"), user.text("salt"), parameters)
    take_made_hash(draft, "passwordHash", make)
    if user.values.get("disabled") is True:
        make_inactive(draft, "disabled", "a user is disabled in Firebase")


PRESET: Final = Preset(
    name="firebase",
    title="Firebase's users",
    forms=frozenset((Form.JSON_LIST, Form.JSON_LINES)),
    needs=("localId",),
    drafts=drafts,
    tuned=tuned,
    secrets=frozenset(("passwordHash", "salt")),
    list_name="users",
)
"""Firebase's."""
