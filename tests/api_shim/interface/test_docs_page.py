"""The documentation page needs no other host."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

FOLDER = files("api_shim.interface") / "docs_page"


def test_the_page_loads_nothing_but_its_own_files() -> None:
    page = (FOLDER / "index.html").read_text()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(loaded) >= 3
    for reference in loaded:
        assert reference.startswith(("/docs/", "data:"))
        if reference.startswith("/docs/"):
            assert (FOLDER / reference.removeprefix("/docs/")).is_file()


@pytest.mark.parametrize("name", ["swagger-ui.css", "swagger-ui-bundle.js", "start.js"])
def test_no_file_of_the_page_refers_to_a_source_map_or_asks_a_validator(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert "sourceMappingURL" not in text
    if name == "start.js":
        assert "validatorUrl: null" in text


def test_no_style_of_the_page_comes_from_another_host() -> None:
    style = (FOLDER / "swagger-ui.css").read_text()
    assert not re.findall(r"url\(\s*['\"]?https?:", style)
    assert "@import" not in style


def test_the_notices_that_the_bundle_names_are_beside_it() -> None:
    first_line = (FOLDER / "swagger-ui-bundle.js").read_text().partition("\n")[0]
    named = re.search(r"please see (\S+)", first_line)
    assert named is not None
    assert (FOLDER / named.group(1)).is_file()
