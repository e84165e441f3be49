"""The Chinese pages say the same as the English ones: section for section, with the same code, formulas, pictures and
numbered sources; and what they link to is there."""

import re
from pathlib import Path

import pytest

import manual

ROOT = Path(manual.__file__).parents[1]
PAGES = [ROOT / "manual" / "DERIVATION.md", ROOT / "README.md"]

BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
QUOTE = re.compile(r"<!-- \w+ -->.*?<!-- end -->", re.DOTALL)


def translated(page):
    return page.with_suffix(".zh-CN.md").read_text(encoding="utf-8")


def english(page):
    return page.read_text(encoding="utf-8")


def prose(text):
    return BLOCK.sub("", text)


def headings(text):
    """The level of every heading, and its number where it has one."""
    return re.findall(r"^(#+)(?: (\d\.\d+))?", prose(text), re.MULTILINE)


def formulas(text):
    """What stands between dollar signs, outside code, wrapped lines joined."""
    found = re.findall(r"\$([^$]+)\$", re.sub(r"`[^`]*`", "", prose(text)))
    return {" ".join(formula.split()) for formula in found}


def tables(text):
    """The number of columns of every row of every table."""
    return [re.sub(r"`[^`]*`", "", line).count("|") for line in prose(text).splitlines() if line.startswith("|")]


def targets(text):
    """Links and pictures, but for anchors within the page and the other language."""
    found = re.findall(r"\]\(([^)#][^)]*)\)|(?:src|srcset)=\"([^\"]+)\"", prose(text))
    return [a or b for a, b in found if ".zh-CN.md" not in a + b]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sections_are_the_same(page):
    assert headings(translated(page)) == headings(english(page))
    assert len(headings(english(page))) > 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_tables_and_quoted_figures_are_the_same(page):
    assert BLOCK.findall(translated(page)) == BLOCK.findall(english(page))
    assert tables(translated(page)) == tables(english(page))
    assert QUOTE.findall(translated(page)) == QUOTE.findall(english(page)), "python -m benchmarks.quotes updates both"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_formulas_are_the_same(page):
    assert formulas(translated(page)) == formulas(english(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_page_links_to_the_other_and_both_to_what_is_there(page):
    other = page.with_suffix(".zh-CN.md").name
    assert f"]({other})" in english(page)
    assert f"]({page.name})" in translated(page)
    for text in (english(page), translated(page)):
        for target in targets(text):
            if "://" not in target:
                assert (page.parent / target.partition("#")[0]).exists(), target


def test_pictures_are_small():
    sizes = {picture.name: picture.stat().st_size for picture in (ROOT / "docs" / "figures").rglob("*.png")}
    assert sizes
    assert max(sizes.values()) <= 150_000, sizes
