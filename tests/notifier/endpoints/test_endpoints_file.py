"""The file of endpoints: what it may say, and how faults in it are told without a secret."""

from __future__ import annotations

import base64
from typing import Final

import pytest

from notifier.endpoints.endpoints_file import EndpointsFileError, parse_endpoints
from tests.notifier.samples import KEY, SECRET

TYPES: Final = ("customer.created", "customer.create.failed")
CANARY: Final = "canary-of-a-secret"

WHOLE: Final = f"""
# who wants what
[[endpoint]]
name = "crm"
url = "https://CRM.example.com/hooks?key=1"
secrets = ["{SECRET}", "whsec_{base64.b64encode(b"x" * 64).decode().rstrip("=")}"]
types = ["customer.created"]
callers = ["shop", "app"]
order = "strict"

[[endpoint]]
name = "audit-2"
url = "https://[2606:4700::1]:8443"
secrets = ["{SECRET}"]
"""


def parse(text: str, **options: bool) -> list[str]:
    """The faults of the file; none where it is good."""
    try:
        parse_endpoints(text.encode(), types=TYPES, **options)
    except EndpointsFileError as error:
        return list(error.faults)
    return []


def test_a_file_names_endpoints_with_all_that_is_to_be_known_of_them() -> None:
    crm, audit = parse_endpoints(WHOLE.encode(), types=TYPES)
    assert (crm.name, crm.url.host, crm.url.port, crm.url.target) == ("crm", "crm.example.com", 443, "/hooks?key=1")
    assert [secret.get_secret_value() for secret in crm.secrets] == [KEY, b"x" * 64]
    assert (crm.types, crm.callers, crm.is_strict) == (
        frozenset({"customer.created"}),
        frozenset({"shop", "app"}),
        True,
    )
    assert (audit.types, audit.callers, audit.is_strict) == (None, None, False)
    assert (audit.url.host, audit.url.port, audit.url.target) == ("2606:4700::1", 8443, "/")


def test_an_endpoint_shows_neither_its_secrets_nor_its_path() -> None:
    shown = repr(parse_endpoints(WHOLE.encode(), types=TYPES))
    assert "0123456789" not in shown
    assert "key=1" not in shown


def test_an_empty_file_names_no_endpoint() -> None:
    assert parse_endpoints(b"\xef\xbb\xbf# none yet\n", types=TYPES) == ()


def test_http_is_taken_only_where_the_settings_allow_it() -> None:
    text = WHOLE.replace("https://CRM", "http://CRM")
    assert parse(text) == ["line 5: url must begin with https://"]
    assert parse(text, allow_http=True) == []


SECRETS_FAULT: Final = "line 6: secrets must each be whsec_ and then 24 to 64 bytes in base64"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"crm"', '"CRM"', "line 4: name must be 1 to 40 of a-z, 0-9, - and _, the first and last a letter or digit"),
        ('name = "crm"', "", "line 3: name must be 1 to 40 of a-z, 0-9, - and _, the first and last a letter or digit"),
        ('"audit-2"', '"crm"', "line 12: name is the name of another endpoint too"),
        ("https://CRM", "ftp://CRM", "line 5: url must begin with https://"),
        ("https://CRM", f"https://{CANARY}@CRM", "line 5: url must name no user or password"),
        ('"https://CRM.example.com/hooks?key=1"', "5", "line 5: url is required, as a text"),
        ("?key=1", "#key", "line 5: url must have no fragment (#…)"),
        (SECRET, CANARY, SECRETS_FAULT),
        (SECRET, "whsec_" + CANARY, SECRETS_FAULT),
        (SECRET, "whsec_" + base64.b64encode(b"short").decode(), SECRETS_FAULT),
        (SECRET, SECRET[:-4] + "!!!!", SECRETS_FAULT),
        (f'["{SECRET}", ', f'{{ secret = "{CANARY}" }} # [', "line 6: secrets must be a list of 1 to 4 secrets"),
        ('["customer.created"]', '["customer.deleted"]', f"line 7: types must be some of {', '.join(TYPES)}"),
        (
            '["customer.created"]',
            "[]",
            "line 7: types must be a list of texts that is not empty; without it, all are meant",
        ),
        (
            '["shop", "app"]',
            f'"{CANARY}"',
            "line 8: callers must be a list of texts that is not empty; without it, all are meant",
        ),
        ('"strict"', f'"{CANARY}"', 'line 9: order must be "any" or "strict"'),
        (
            'order = "strict"',
            f'{CANARY} = "strict"',
            "line 9: a key is not known here. Known are: name, url, secrets, types, callers, order",
        ),
        ("# who", f'{CANARY} = "a"\n# who', "line 2: only [[endpoint]] tables are known"),
        ('= "crm"', f"= {CANARY}", "line 4: is no TOML"),
        ('= "crm"', f'= "{CANARY}', "line 4: is no TOML"),
        ('= "strict"', f'= """{CANARY}', "line 14: is no TOML"),
        ('order = "strict"', f'order = "any"\norder = "{CANARY}"', "line 10: is no TOML"),
    ],
)
def test_a_fault_tells_the_line_and_never_what_stands_there(old: str, new: str, fault: str) -> None:
    assert old in WHOLE
    assert parse(WHOLE.replace(old, new, 1)) == [fault]


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85"], ids=ascii)
def test_signs_that_end_lines_elsewhere_shift_no_line_of_a_fault(sign: str) -> None:
    shifted = WHOLE.replace("# who", f"# {sign} who").replace('"shop"', f'"sh{sign}op"')
    assert parse(shifted) == []
    assert parse(shifted.replace('"strict"', '"loose"')) == ['line 9: order must be "any" or "strict"']
    assert parse(shifted.replace('"strict"', f'"""{sign}')) == ["line 14: is no TOML"]


@pytest.mark.parametrize("quotes", ['"""', "'''"])
def test_what_looks_like_a_table_inside_of_a_text_is_none(quotes: str) -> None:
    text = f"{quotes}shop\r\n[[endpoint]]\n# {quotes}, {quotes}\norder = 1{quotes}"
    shifted = WHOLE.replace('"shop"', text)
    assert parse(shifted) == []
    assert parse(shifted.replace('"strict"', '"loose"')) == ['line 12: order must be "any" or "strict"']
    assert parse(shifted.replace("[2606", "x[2606"))[0].startswith("line 16: url")


def test_all_faults_are_told_at_once() -> None:
    faults = parse(WHOLE.replace("https://", "ftp://").replace('"strict"', '"loose"'))
    assert [fault.partition(":")[0] for fault in faults] == ["line 5", "line 9", "line 13"]


@pytest.mark.parametrize(
    "text",
    [
        f'endpoint = "{CANARY}"',
        f'[endpoint]\nname = "{CANARY}"',
        f'endpoint = ["{CANARY}"]',
        f'[endpoints]\nname = "{CANARY}"',
        "a = " + "[" * 100_000,
        "a = " + "9" * 5_000,
        f'# {CANARY}\n"{CANARY}" = "a"',
        "[[endpoint]]\n" * 101,
        "#" * 1_048_577,
    ],
    ids=ascii,
)
def test_another_form_is_refused(text: str) -> None:
    (fault, *more) = parse(text)
    assert CANARY not in fault
    assert not more


def test_a_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(EndpointsFileError, match="line 2: is no text in UTF-8"):
        parse_endpoints(b"# a\n\xff" + CANARY.encode(), types=TYPES)
