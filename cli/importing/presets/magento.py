"""Magento's and Adobe Commerce's customers, as CSV.

The export is made in the admin under System > Data Transfer > Export, with the entity type Customers Main File: a row
for each customer, without addresses. The single file of customers and addresses, which Magento 1 exports and Magento 2
imports (`customer_composite`), is read as well: its addresses are in columns such as `_address_city`, and a row with an
empty `email` has a further address of the customer before it. `CustomerComposite::_getRowScope` in magento/magento2
tells the rows apart in the same way.

`password_hash` is brought along, whatever its version. Versions 0 and 1, and all of Magento 1, are MD5 and SHA-256:
they are fast, and the worker needs INTAKE_WRAP_FAST_HASHES. A row that has a clear `password` instead keeps it.

An address is called Billing, Shipping, or both, where it is the customer's default for them. Usually wanted: `--default
addresses.name=Home --default addresses.state=-`. The lines of a street become `address_1` and `address_2`. Who never
confirmed the email address (`confirmation`) becomes INACTIVE with a warning. Where several websites have customers of
their own, one email may be there twice, and only the first is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.hashes import magento as hashes
from cli.importing.presets.drafting import Fields, Source, make_inactive, take, take_address, take_hash
from cli.importing.presets.grouping import grouped
from cli.importing.presets.preset import Preset
from cli.importing.records import Fault, Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.importing.records import Draft, Record

_CUSTOMER: Final[Fields] = {"email": ("email",), "firstName": ("firstname",), "lastName": ("lastname",)}
"""Columns of the customer."""
_STREET: Final = "_address_street"
"""The column that only files with addresses have."""
_ADDRESS: Final[Fields] = {
    "firstName": ("_address_firstname",),
    "lastName": ("_address_lastname",),
    "company": ("_address_company",),
    "address_1": (_STREET,),
    "city": ("_address_city",),
    "state": ("_address_region",),
    "postCode": ("_address_postcode",),
    "country": ("_address_country_id",),
    "phone": ("_address_telephone",),
}
"""Columns of an address."""
_DEFAULT_FOR: Final = {"Billing": "_address_default_billing_", "Shipping": "_address_default_shipping_"}
"""What an address is called → the column that is 1 where it is the default."""

ORPHAN: Final = "is empty, and no customer is before this row whose address it could be"
"""The fault of an address that follows no customer."""


def drafts(records: Iterable[Record]) -> Iterator[Draft]:
    """Customers of Magento."""
    for draft in grouped(records, _continues):
        if not draft.faults:
            _fill(draft)
        yield draft


def _continues(first: Record, row: Record) -> bool:
    """Whether this row has another address of the customer. In a file without addresses none has."""
    return _STREET in first.values and not Source(row.values).text("email")


def _fill(draft: Draft) -> None:
    customer = Source(draft.records[0].values)
    take(draft, customer, _CUSTOMER)
    take_hash(draft, customer, ("password_hash",), hashes.translate)
    if "passwordHash" not in draft.customer:
        take(draft, customer, {"password": ("password",)})
    for row in draft.records:
        _take_address(draft, Source(row.values))
    if customer.text("confirmation"):
        make_inactive(draft, "confirmation", "a customer has not confirmed the email address in Magento")
    if "email" not in draft.customer and _STREET in customer.values:
        draft.faults.append(Fault("email", ORPHAN))


def _take_address(draft: Draft, row: Source) -> None:
    uses = [name for name, column in _DEFAULT_FOR.items() if row.text(column) == "1"]
    before = len(draft.customer.get("addresses", ()))
    take_address(draft, row, _ADDRESS, name=" and ".join(uses).capitalize())
    for address in draft.customer.get("addresses", ())[before:]:
        lines = [line.strip() for line in str(address.get("address_1", "")).splitlines() if line.strip()]
        if len(lines) > 1:
            address["address_1"], *more = lines
            address["address_2"] = more[0] if len(more) == 1 else more
            draft.columns[f"addresses.{before}.address_2"] = draft.columns[f"addresses.{before}.address_1"]


PRESET: Final = Preset(
    name="magento",
    title="Magento's customer export",
    forms=frozenset((Form.TABLE,)),
    needs=("email", "firstname", "lastname"),
    drafts=drafts,
    secrets=frozenset(("password_hash", "password", "rp_token")),
)
"""Magento's."""
