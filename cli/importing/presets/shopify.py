"""Shopify's customers, as CSV.

The export is made in Shopify under Customers > Export. Its columns are those of Shopify's help page on customer CSV
files: `First Name`, `Last Name`, `Email`, `Default Address Address1` and so on, with `Tags` between commas. The older
columns (`Address1`, `Province Code`, `Zip`) are read as well. A cell that a spreadsheet would take for a number begins
with an apostrophe, which is taken off phones and postcodes.

Shopify exports one address of a customer. Matrixify's export (matrixify.app) has all of them, each in a row of its own
with the same `ID`; such rows become one customer.

Shopify gives no password away: `--initial-passwords` makes them. Its addresses have no name, and in its own export no
person's name either. Some customers have no last name, and some countries no states or postcodes. Usually wanted:
`--default addresses.name=Home --default 'addresses.firstName={firstName}' --default lastName=- --default
addresses.state=- --default addresses.postCode=-`. Customers without an email are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.presets.drafting import Fields, Source, take, take_address
from cli.importing.presets.grouping import grouped
from cli.importing.presets.preset import Preset
from cli.importing.records import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.importing.records import Draft, Record

_CUSTOMER: Final[Fields] = {"email": ("Email",), "firstName": ("First Name",), "lastName": ("Last Name",)}
"""Columns of the customer."""
_ADDRESS: Final[Fields] = {
    "firstName": ("Address First Name",),
    "lastName": ("Address Last Name",),
    "company": ("Default Address Company", "Address Company", "Company"),
    "address_1": ("Default Address Address1", "Address Line 1", "Address1"),
    "address_2": ("Default Address Address2", "Address Line 2", "Address2"),
    "city": ("Default Address City", "Address City", "City"),
    "state": ("Default Address Province Code", "Address Province Code", "Province Code"),
    "postCode": ("Default Address Zip", "Address Zip", "Zip"),
    "country": ("Default Address Country Code", "Address Country Code", "Country Code"),
    "phone": ("Default Address Phone", "Address Phone", "Phone"),
}
"""Columns of an address: Shopify's today, Matrixify's, Shopify's of before."""
_QUOTED: Final = ("phone", "postCode")
"""Fields of an address that may begin with a spreadsheet's apostrophe."""
_ROW_OF_ADDRESS: Final = "Address Line 1"
"""The column that only exports with a row for each address have."""


def drafts(records: Iterable[Record]) -> Iterator[Draft]:
    """Customers of Shopify's export, or of Matrixify's."""
    for draft in grouped(records, _continues):
        if not draft.faults:
            _fill(draft)
        yield draft


def _continues(first: Record, row: Record) -> bool:
    """Whether this row has another address of the customer. Matrixify may leave out the email in such rows."""
    if _ROW_OF_ADDRESS not in first.values:
        return False
    one, other = Source(first.values), Source(row.values)
    if one.text("ID") and other.text("ID"):
        return one.text("ID") == other.text("ID")
    if other.text("Email"):
        return one.text("Email").lower() == other.text("Email").lower()
    return not (other.text("ID") or other.text("First Name") or other.text("Last Name"))


def _fill(draft: Draft) -> None:
    take(draft, Source(draft.records[0].values), _CUSTOMER)
    tags = Source(draft.records[0].values).first(("Tags",))
    if tags is not None:
        draft.columns["tags"] = tags[0]
        draft.customer["tags"] = [tag.strip() for tag in str(tags[1]).split(",") if tag.strip()]
    for row in draft.records:
        take_address(draft, Source(row.values), _ADDRESS)
    for address in draft.customer.get("addresses", ()):
        address.update((name, address[name].removeprefix("'")) for name in _QUOTED if name in address)


PRESET: Final = Preset(
    name="shopify",
    title="Shopify's customer export",
    forms=frozenset((Form.TABLE,)),
    needs=("Email", "First Name", "Last Name"),
    drafts=drafts,
)
"""Shopify's."""
