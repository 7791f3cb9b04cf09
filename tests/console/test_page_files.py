"""The page as it is served: strict, small, and from this host alone."""

from __future__ import annotations

import gzip
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.console.client import Console

PAGE: Final = Path(str(files("console"))) / "page"
SERVED: Final = sorted(
    str(each.relative_to(PAGE)) for each in PAGE.rglob("*.*") if each.suffix in {".js", ".css", ".html"}
)
OURS: Final = [each for each in SERVED if not each.startswith("vendor/")]
MOST_BYTES: Final = 80_000


@pytest.mark.parametrize("name", SERVED)
def test_each_file_is_served_with_a_strict_policy(console: Console, name: str) -> None:
    response = console.http.get(f"{console.url}/{name}")
    assert (response.status_code, response.content) == (200, (PAGE / name).read_bytes())
    policy = dict(each.strip().split(" ", 1) for each in response.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"


def test_the_root_is_the_page(console: Console) -> None:
    assert console.http.get(console.url).content == (PAGE / "index.html").read_bytes()


@pytest.mark.parametrize("path", ["vendor/LICENSE", "vendor", "x.js", "vendor/..%2findex.html", "api/nothing"])
def test_nothing_else_is_served(console: Console, path: str) -> None:
    assert console.http.get(f"{console.url}/{path}").status_code == 404


def test_a_person_is_told_in_words_that_there_is_nothing_here(console: Console) -> None:
    as_browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    response = console.http.get(f"{console.url}/dead-letters/1", headers=as_browser)
    assert (response.status_code, response.content) == (404, (PAGE / "missing.html").read_bytes())
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert console.http.get(f"{console.url}/api/nothing", headers=as_browser).json()["error"] == "not_found"


def test_all_of_it_is_small() -> None:
    assert sum(len(gzip.compress((PAGE / name).read_bytes(), 6)) for name in SERVED) <= MOST_BYTES


def test_the_chart_library_keeps_its_licence() -> None:
    assert "MIT License" in (PAGE / "vendor" / "LICENSE").read_text()


@pytest.mark.parametrize("name", OURS)
def test_no_file_names_another_host_and_none_makes_html_of_text(name: str) -> None:
    text = (PAGE / name).read_text()
    assert re.search(r"\b(?:https?:)?//[a-z]", text) is None
    assert re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text) is None


def test_the_page_has_no_inline_script_style_or_handler() -> None:
    html = (PAGE / "index.html").read_text() + (PAGE / "missing.html").read_text()
    assert re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", html) is None


@pytest.mark.parametrize("name", OURS)
def test_ids_that_scripts_look_for_are_in_the_page(name: str) -> None:
    html = (PAGE / "index.html").read_text()
    asked = set(re.findall(r'byId\("([^"]+)"\)', (PAGE / name).read_text()))
    assert asked - {"found-title"} <= set(re.findall(r'\bid="([^"]+)"', html))
