"""WordPress' users, as CSV or JSON by WP-CLI.

The export is made on the site's server: `wp user list --role=customer
--fields=user_email,user_pass,first_name,last_name,display_name --format=csv`, or `--format=json`. `user_pass` has to be
asked for, since WP-CLI does not list it by itself. Without `--role` it lists administrators and authors as well.

`user_pass` is brought along: `$wp$2y$` of WordPress 6.8 and later, `$P$` of the releases before, and bcrypt or argon2
of plugins. MD5, from sites that are older than 2008, is fast: the worker needs INTAKE_WRAP_FAST_HASHES.

Without `first_name` and `last_name` the display name becomes the first name, with a warning. Usually wanted: `--default
lastName=-`. WooCommerce's fields of addresses (`billing_address_1`) can be listed too, and are read as WooCommerce's.
Users that a network of sites marks as spam or deleted (`spam`, `deleted`) become INACTIVE with a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.hashes import wordpress as hashes
from cli.importing.presets.drafting import Fields, Source, drafted, make_inactive, take, take_hash, take_whole_name
from cli.importing.presets.preset import Preset
from cli.importing.presets.woocommerce import take_woocommerce_addresses
from cli.importing.records import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.importing.records import Draft, Record

_CUSTOMER: Final[Fields] = {"email": ("user_email",), "firstName": ("first_name",), "lastName": ("last_name",)}
"""Fields of a user. The names are of the user's metadata, which WP-CLI lists like fields."""


def drafts(records: Iterable[Record]) -> Iterator[Draft]:
    """Users of WordPress."""
    return drafted(records, _fill)


def _fill(draft: Draft, user: Source) -> None:
    take(draft, user, _CUSTOMER)
    take_woocommerce_addresses(draft, user)
    take_whole_name(draft, user, ("display_name",))
    take_hash(draft, user, ("user_pass",), hashes.translate)
    for column in ("spam", "deleted"):
        if user.text(column) not in {"", "0"}:
            make_inactive(draft, column, f"a user is marked as {column} in WordPress")


PRESET: Final = Preset(
    name="wordpress",
    title="WordPress' users by WP-CLI",
    forms=frozenset((Form.TABLE, Form.JSON_LIST, Form.JSON_LINES)),
    needs=("user_email", "user_pass"),
    drafts=drafts,
    secrets=frozenset(("user_pass", "user_activation_key")),
)
"""WordPress'."""
