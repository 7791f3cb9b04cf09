"""Customers of WooCommerce."""

from __future__ import annotations

import csv
import io
import json

from cli.importing.presets.drafting import ADDRESS_LEFT_OUT
from cli.importing.presets.woocommerce import PRESET, USES
from tests.cli.presets.samples import PASSWORDS, drafted, objects, sample, table


def _as_csv() -> str:
    """The sample as WooCommerce's extension for exports writes it."""
    documents = [record.values for record in sample("woocommerce.json")]
    rows = [
        {name: document[name] for name in ("email", "first_name", "last_name")}
        | {f"{use}_{name}": value for use in USES for name, value in document[use].items()}
        for document in documents
    ]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def test_each_object_is_a_customer_with_a_billing_and_a_shipping_address() -> None:
    drafts = drafted(PRESET, sample("woocommerce.json"))

    assert list(drafts) == list(PASSWORDS["woocommerce"])
    assert drafts["joao.silva@example.com"].customer == {
        "email": "joao.silva@example.com",
        "firstName": "João",
        "lastName": "Silva",
        "addresses": [
            {
                "name": "Billing",
                "firstName": "João",
                "lastName": "Silva",
                "company": "Silva Lda",
                "address_1": "Av. Brasil",
                "address_2": "432",
                "city": "Rio de Janeiro",
                "state": "RJ",
                "postCode": "12345-000",
                "country": "BR",
                "phone": "+55 21 5555-5555",
            },
            {
                "name": "Shipping",
                "firstName": "Maria",
                "lastName": "Silva",
                "address_1": "Rua das Flores 1",
                "address_2": "apto 9",
                "city": "Niterói",
                "state": "RJ",
                "postCode": "24020-000",
                "country": "BR",
            },
        ],
    }


def test_the_name_of_the_billing_address_stands_in_for_a_customer_without_one() -> None:
    draft = drafted(PRESET, sample("woocommerce.json"))["joao.silva@example.com"]

    assert draft.columns["firstName"] == "billing.first_name"
    assert draft.columns["addresses.1.city"] == "shipping.city"


def test_a_shipping_country_alone_is_no_address_and_this_is_warned_of() -> None:
    draft = drafted(PRESET, sample("woocommerce.json"))["siobhan@example.com"]

    assert [address["name"] for address in draft.customer["addresses"]] == ["Billing"]
    assert draft.warnings == [ADDRESS_LEFT_OUT]


def test_a_customer_without_addresses_or_last_name_has_none() -> None:
    draft = drafted(PRESET, sample("woocommerce.json"))["mononym@example.com"]

    assert draft.customer == {"email": "mononym@example.com", "firstName": "Madonna"}
    assert draft.columns["lastName"] == "last_name"
    assert draft.warnings == []


def test_the_csv_of_the_same_customers_gives_the_same_customers() -> None:
    from_csv = drafted(PRESET, table(_as_csv()))
    from_json = drafted(PRESET, sample("woocommerce.json"))

    assert [draft.customer for draft in from_csv.values()] == [draft.customer for draft in from_json.values()]
    assert from_csv["joao.silva@example.com"].columns["addresses.1.city"] == "shipping_city"


def test_addresses_as_json_text_in_a_cell_are_read() -> None:
    (record,) = objects([sample("woocommerce.json")[0].values])
    cells = {name: value if isinstance(value, str) else json.dumps(value) for name, value in record.values.items()}

    (draft,) = PRESET.drafts(objects([cells]))

    assert [address["name"] for address in draft.customer["addresses"]] == ["Billing", "Shipping"]


def test_the_hash_in_user_pass_is_brought_along() -> None:
    hashed = "$P$B0wlezQvfe.1hv9G3D5w0supuJ6piW1"

    (draft,) = PRESET.drafts(table(f"email,first_name,last_name,user_pass\na@example.com,A,B,{hashed}\n"))

    assert draft.customer["passwordHash"] == hashed
    assert "user_pass" in PRESET.secrets
