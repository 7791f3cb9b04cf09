"""WooCommerce's customers, as JSON or CSV.

JSON is what WooCommerce's REST API gives (`GET /wp-json/wc/v3/customers`, page after page, or `wp wc customer list
--format=json`): one list, or a customer a line, with `billing` and `shipping` objects. CSV is what its extension
Customer/Order/Coupon Export writes, with columns such as `billing_address_1` and `shipping_city`.

Each of the two addresses that has a street, a city or a postcode becomes an address, with the name Billing or Shipping.
A customer without a name gets the one of the billing address, or else of the shipping address, since WooCommerce asks
for it only there.

The API gives no password away: `--initial-passwords` makes them. A `user_pass` in the CSV is WordPress' hash and is
brought along. Usually wanted: `--default lastName=- --default addresses.state=- --default addresses.postCode=-`, since
WooCommerce asks for these only where a country has them, and `--drop-bad-phones`, since its phones are any text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.hashes import wordpress
from cli.importing.presets.drafting import Fields, Source, drafted, take, take_address, take_hash, within_text
from cli.importing.presets.preset import Preset
from cli.importing.records import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.importing.records import Draft, Record

USES: Final = {"billing": "Billing", "shipping": "Shipping"}
"""WooCommerce's word for an address → what the address is called."""
_CUSTOMER: Final[Fields] = {"email": ("email",), "firstName": ("first_name",), "lastName": ("last_name",)}
"""Names of the customer."""
_ADDRESS: Final = {
    "firstName": "first_name",
    "lastName": "last_name",
    "company": "company",
    "address_1": "address_1",
    "address_2": "address_2",
    "city": "city",
    "state": "state",
    "postCode": "postcode",
    "country": "country",
    "phone": "phone",
}
"""Names of an address in the contract → in WooCommerce."""


def drafts(records: Iterable[Record]) -> Iterator[Draft]:
    """Customers of WooCommerce."""
    return drafted(records, _fill)


def _fill(draft: Draft, customer: Source) -> None:
    take(draft, customer, _CUSTOMER)
    take_woocommerce_addresses(draft, customer)
    take_hash(draft, customer, ("user_pass",), wordpress.translate)


def take_woocommerce_addresses(draft: Draft, source: Source) -> None:
    """Take over the two addresses, and the names that only they have. WordPress' exports have them as columns too."""
    for use, name in USES.items():
        is_object = use in source.values
        within = within_text(draft, source, use) if is_object else source
        before = "" if is_object else f"{use}_"
        fields = {ours: (before + theirs,) for ours, theirs in _ADDRESS.items()}
        take(draft, within, {ours: fields[ours] for ours in ("firstName", "lastName")})
        take_address(draft, within, fields, name=name)


PRESET: Final = Preset(
    name="woocommerce",
    title="WooCommerce's customers",
    forms=frozenset((Form.TABLE, Form.JSON_LIST, Form.JSON_LINES)),
    needs=("email", "first_name", "last_name"),
    drafts=drafts,
    secrets=frozenset(("user_pass", "password")),
)
"""WooCommerce's."""
