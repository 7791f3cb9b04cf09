"""How rows will be read is shown before anything is sent, without passwords."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cli.importing.options import ImportOptions
from cli.importing.plan import make_plan
from cli.importing.preview import preview
from cli.importing.reading.input_file import InputFile
from tests.cli.importing.plans import written

if TYPE_CHECKING:
    from pathlib import Path


def shown(path: Path, count: int = 9, **options: Any) -> list[dict[str, Any]]:
    with InputFile(path) as source:
        plan = make_plan(source, ImportOptions(**options))
        lines = list(preview(plan, source.content(), count))
    assert "secret" not in "".join(lines)
    return [json.loads(line) for line in lines]


def test_customers_faults_and_warnings_are_shown(tmp_path: Path) -> None:
    path = written(
        tmp_path / "customers.csv",
        "email,password,City,Tel,Password Hint\na@example.com,secret,Zürich,1,x\nb@example.com,secret,Bern,x,x\n"
        "ragged\nc@example.com,secret,Bern,x,x\n",
    )
    mapping = {"addresses.0.city": "City", "addresses.0.phone": "Tel"}

    strict = shown(path, 3, mapping=mapping, ignore_other_columns=True)
    lenient = shown(path, mapping=mapping, ignore_other_columns=True, drop_bad_phones=True)

    assert strict == [
        {
            "line": 2,
            "customer": {
                "email": "a@example.com",
                "password": "(not shown)",
                "addresses": [{"city": "Zürich", "phone": 1}],
            },
        },
        {
            "line": 3,
            "faults": [{"column": "Tel", "message": "is no phone that can be an integer of at most 15 digits"}],
        },
        {"line": 4, "faults": [{"column": "", "message": "it has 1 cells, and the table has 5 columns"}]},
    ]
    assert len(lenient) == 4
    assert lenient[1]["warnings"] == ["a phone was left out: it can be no integer of at most 15 digits"]


def test_plain_json_lines_are_shown_too(tmp_path: Path) -> None:
    path = written(
        tmp_path / "customers.jsonl",
        b'{"email":"a@example.com","password":"secret","oldPassword":"secret","firstName":"Zo\xc3\xab","n":{"pwd":"secret"}}\n'
        b"no json, secret\n\xff\n",
    )

    assert shown(path) == [
        {
            "line": 1,
            "customer": {
                "email": "a@example.com",
                "firstName": "Zoë",
                "password": "(not shown)",
                "oldPassword": "(not shown)",
                "n": {},
            },
        },
        {"line": 2, "faults": [{"column": "", "message": "it is no JSON: Expecting value at character 1"}]},
        {"line": 3, "faults": [{"column": "", "message": "it is no text in UTF-8"}]},
    ]


def test_what_breaks_off_is_shown_in_its_place(tmp_path: Path) -> None:
    path = written(tmp_path / "customers.json", '[{"email":"a@example.com"},{"email":')

    first, second = shown(path)

    assert first["customer"] == {"email": "a@example.com"}
    assert second["item"] == 2
    assert second["faults"][0]["column"] == ""
