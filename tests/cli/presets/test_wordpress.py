"""Users of WordPress."""

from __future__ import annotations

from cli.importing.presets.drafting import WHOLE_NAME
from cli.importing.presets.wordpress import PRESET
from tests.cli.presets.samples import PASSWORDS, drafted, objects, sample, table


def test_each_row_is_a_customer_whose_hash_is_brought_along() -> None:
    records = sample("wordpress.csv")
    drafts = drafted(PRESET, records)

    assert list(drafts) == list(PASSWORDS["wordpress"])
    assert drafts["ines.duarte@example.com"].customer == {
        "email": "ines.duarte@example.com",
        "firstName": "Inês",
        "lastName": "Duarte",
        "passwordHash": records[0].values["user_pass"],
    }
    assert [draft.customer["passwordHash"][:4] for draft in drafts.values()] == [
        "$wp$",
        "$wp$",
        "$P$B",
        "$P$B",
        "$dig",
        "$2b$",
    ]


def test_the_display_name_becomes_the_first_name_where_there_is_no_other_and_this_is_warned_of() -> None:
    drafts = drafted(PRESET, sample("wordpress.csv"))

    rosa = drafts["rosa.vidal@example.com"]
    assert (rosa.customer["firstName"], rosa.customer.get("lastName")) == ("Rosa Vidal", None)
    assert (rosa.columns["firstName"], rosa.warnings) == ("display_name", [WHOLE_NAME])
    assert drafts["comma.quote@example.com"].customer["firstName"] == '"Ace", the'


def test_the_json_of_the_same_users_gives_the_same_customers() -> None:
    from_csv = drafted(PRESET, sample("wordpress.csv"))
    from_json = drafted(PRESET, objects({**row.values, "ID": int(row.values["ID"])} for row in sample("wordpress.csv")))

    assert [draft.customer for draft in from_json.values()] == [draft.customer for draft in from_csv.values()]


def test_fields_of_woocommerce_make_addresses() -> None:
    text = "user_email,user_pass,billing_first_name,billing_city\na@example.com,,Ada,Paris\n"

    (draft,) = PRESET.drafts(table(text))

    assert draft.customer == {
        "email": "a@example.com",
        "firstName": "Ada",
        "addresses": [{"name": "Billing", "firstName": "Ada", "city": "Paris"}],
    }


def test_users_marked_as_spam_become_inactive_with_a_warning() -> None:
    text = "user_email,user_pass,spam,deleted\na@example.com,,1,0\nb@example.com,,0,0\n"

    spam, other = PRESET.drafts(table(text))

    assert (spam.customer["status"], len(spam.warnings)) == ("INACTIVE", 1)
    assert "status" not in other.customer


def test_a_password_in_the_clear_is_refused_without_being_told() -> None:
    (draft,) = PRESET.drafts(table("user_email,user_pass\na@example.com,open sesame\n"))

    (fault,) = draft.faults
    assert fault.where == "user_pass"
    assert "sesame" not in fault.message
