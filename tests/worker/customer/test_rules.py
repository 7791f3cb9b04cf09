"""Which texts are emails, which emails are the same, and which countries are in force."""

from __future__ import annotations

from typing import Any

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.requests import an_address
from worker.customer import rules

DEFAULT = rules.Rules()


def email(text: str) -> rules.Email:
    parsed = DEFAULT.parse_email(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("john.doe@example.com", "JOHN.DOE@EXAMPLE.COM"),
        ("john.doe@example.com", "John.Doe@Example.com"),
        ("jos\u00e9@example.com", "jose\u0301@example.com"),
        ("JOS\u00c9@example.com", "jose\u0301@example.com"),
        ("\uff4aohn@example.com", "john@example.com"),
        ("\u212brne@example.com", "\u00e5rne@example.com"),
        ("stra\u00dfe@example.com", "STRASSE@example.com"),
        ("me@b\u00fccher.example", "me@xn--bcher-kva.example"),
        ("me@B\u00dcCHER.example", "me@XN--BCHER-KVA.example"),
        ("me@bu\u0308cher.example", "me@b\u00fccher.example"),
    ],
)
def test_emails_that_differ_only_in_case_unicode_form_or_idn_spelling_are_the_same(one: str, two: str) -> None:
    assert email(one).key == email(two).key


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("john.doe@example.com", "johndoe@example.com"),
        ("john@example.com", "john+tag@example.com"),
        ("john@example.com", "john@example.org"),
        ("john@example.com", "john@mail.example.com"),
        ("jos\u00e9@example.com", "jose@example.com"),
    ],
)
def test_other_emails_are_not_the_same(one: str, two: str) -> None:
    assert email(one).key != email(two).key


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("John.Doe@Example.COM", "John.Doe@example.com"),
        ("Jose\u0301@Example.com", "Jose\u0301@example.com"),
        ("me@XN--BCHER-KVA.example", "me@b\u00fccher.example"),
        ("a@b.co", "a@b.co"),
        ("o'brien+x_y-z@sub.example.com", "o'brien+x_y-z@sub.example.com"),
    ],
)
def test_an_email_is_kept_as_written_apart_from_its_domain(sent: str, kept: str) -> None:
    assert email(sent).address == kept


@pytest.mark.parametrize(
    "text",
    [
        "john",
        "john@",
        "@example.com",
        "john@@example.com",
        "john doe@example.com",
        " john@example.com",
        "john@example.com ",
        "john@example.com\n",
        "john@example",
        "john@-example.com",
        "john@example..com",
        "john..doe@example.com",
        ".john@example.com",
        "john@[127.0.0.1]",
        "John <john@example.com>",
        "john@localhost",
        '"john doe"@example.com',
        "x" * 65 + "@example.com",
        "x" * 60 + "@" + ".".join(["y" * 60] * 4) + ".com",
        "😀" * 1000,
    ],
)
def test_a_text_whose_format_is_invalid_is_no_email(text: str) -> None:
    assert DEFAULT.parse_email(text) is None


def test_an_email_has_at_most_254_characters() -> None:
    longest = "x" * 60 + "@" + ("y" * 60 + ".") * 3 + "zzzzzz.com"
    assert len(longest) == 254
    assert email(longest).address == longest
    assert DEFAULT.parse_email(longest.replace(".com", "z.com")) is None


@given(
    st.one_of(
        st.builds(
            "{}@{}".format,
            st.text("abZ09.!#$%&'*+-/=?^_`{|}~ @\"(),:;<>[]\\\n", max_size=70),
            st.sampled_from(
                ["example.com", "EXAMPLE.com", "x--y.com", "xn--bcher-kva.com", "a.b", "test", "1.2", "-a.b"]
            )
            | st.text("aB0.-_", max_size=12),
        ),
        st.text(max_size=20),
    )
)
@example("a@" + "b." * 125 + "com")
@example("x" * 64 + "@" + ("y" * 61 + ".") * 3 + "com")
@example("x" * 64 + "@" + ("y" * 60 + ".") * 3 + "abc.com")
@example("x" * 65 + "@example.com")
@example("a@xn--bcher-kva.com")
@example("Info@example.com")
def test_a_text_is_an_email_exactly_where_the_library_says_so(text: str) -> None:
    """This must be tested, since only a part of most emails is given to the library."""
    try:
        expected = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        assert DEFAULT.parse_email(text) is None
    else:
        local = text.rpartition("@")[0]
        assert email(text).address == f"{local}@{expected.domain}"
        assert email(text).key.endswith(f"@{expected.ascii_domain}")
        if local.isascii():
            assert email(text).key == f"{local.lower()}@{expected.ascii_domain}"


def test_there_are_249_countries_in_force() -> None:
    assert len(rules.COUNTRIES) == 249
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in rules.COUNTRIES)


def addresses(*countries: str) -> list[Any]:
    return [an_address(country=country) for country in countries]


@pytest.mark.parametrize("code", ["GB", "US", "DE", "SS", "AX", "TW", "PS", "NA"])
def test_a_code_in_force_is_a_country(code: str) -> None:
    assert DEFAULT.first_invalid_country(addresses(code)) is None


@pytest.mark.parametrize(
    "code",
    ["UK", "us", "Us", "USA", "840", "SU", "YU", "AN", "XX", "ZZ", "EU", "XK", "Germany", " US", "US ", "\uff35\uff33"],
)
def test_any_other_text_is_no_country(code: str) -> None:
    assert DEFAULT.first_invalid_country(addresses(code)) == (0, code)


def test_the_first_invalid_country_is_told_with_its_position() -> None:
    assert DEFAULT.first_invalid_country(addresses("US", "DE", "UK", "XX")) == (2, "UK")
    assert DEFAULT.first_invalid_country([]) is None


def test_a_further_country_of_the_settings_is_a_country_and_no_other_is() -> None:
    with_kosovo = rules.Rules(further_countries=frozenset({"XK"}))

    assert with_kosovo.first_invalid_country(addresses("US", "XK")) is None
    assert with_kosovo.first_invalid_country(addresses("XK", "XX")) == (1, "XX")
    assert with_kosovo.first_invalid_country(addresses("xk")) == (0, "xk")


def test_no_further_country_is_one_of_iso_3166_already() -> None:
    assert not rules.FURTHER_COUNTRIES & rules.COUNTRIES
    assert {"XK", "AA", "QM", "QZ", "XA", "XZ", "ZZ", "IC"} <= rules.FURTHER_COUNTRIES
    assert not {"QL", "SS", "AN", "YU"} & rules.FURTHER_COUNTRIES


STAGING = rules.Rules(special_use_domains=frozenset({"test", "local"}))


@pytest.mark.parametrize(
    ("sent", "address", "key"),
    [
        ("John@shop.test", "John@shop.test", "john@shop.test"),
        ("john@Shop.Staging.LOCAL", "john@shop.staging.local", "john@shop.staging.local"),
        ("me@b\u00fccher.test", "me@b\u00fccher.test", "me@xn--bcher-kva.test"),
        ("me@XN--BCHER-KVA.TEST", "me@b\u00fccher.test", "me@xn--bcher-kva.test"),
        ("a.test@b.test", "a.test@b.test", "a.test@b.test"),
        ("tesx@tesx.test", "tesx@tesx.test", "tesx@tesx.test"),
        ("me@example.com", "me@example.com", "me@example.com"),
    ],
)
def test_an_email_under_a_special_use_domain_of_the_settings_is_taken_as_any_other(
    sent: str, address: str, key: str
) -> None:
    assert STAGING.parse_email(sent) == rules.Email(address=address, key=key)


@pytest.mark.parametrize(
    "text",
    ["me@test", "me@shop.onion", "me@shop.invalid", "me@localhost", "me@.test", "me@a..test", "me@-a.test",
     "m e@a.test", "me@a.test ", "@a.test", "a.test", "me@a.tesx.", "x" * 65 + "@a.test", "me@\uff54est.test\u0000"],
)  # fmt: skip
def test_the_other_rules_for_emails_hold_under_a_special_use_domain_too(text: str) -> None:
    assert STAGING.parse_email(text) is None


@pytest.mark.parametrize("name", sorted(rules.SPECIAL_USE_DOMAINS))
def test_a_special_use_domain_is_refused_without_the_setting_and_taken_with_it(name: str) -> None:
    assert DEFAULT.parse_email(f"me@shop.{name}") is None
    taken = rules.Rules(special_use_domains=frozenset({name})).parse_email(f"me@shop.{name}")
    assert taken == rules.Email(address=f"me@shop.{name}", key=f"me@shop.{name}")
    assert DEFAULT.parse_email(f"me@shop.{name}") is None
