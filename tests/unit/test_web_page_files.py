"""The staff page's files: every code has words, every word is used, nothing comes from elsewhere, no markup from text."""

import re
from pathlib import Path

import pytest

from rfidguard import web
from rfidguard.alarm import OUTCOMES, SEVERITIES
from rfidguard.reasons import REASONS

PAGE = Path(web.__file__).parent / "page"
TEXTS = dict(re.findall(r'^    "([a-z_.]+)": "(.*)",$', (PAGE / "texts.js").read_text("utf-8"), re.MULTILINE))
SCRIPTS = sorted(PAGE.glob("*.js"))
ACCUSING = re.compile(r"thie(f|ves)|steal|stole|theft|suspect|criminal|offender|culprit|shoplift", re.IGNORECASE)


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_has_words_on_the_page(code: str) -> None:
    assert f"reason.{code}" in TEXTS


@pytest.mark.parametrize("code", OUTCOMES)
def test_every_outcome_has_words_on_the_page(code: str) -> None:
    assert f"outcome.{code}" in TEXTS


def test_every_severity_and_item_state_has_words_on_the_page() -> None:
    states = ("unpaid", "pending", "cleared", "sold", "unverified")
    wanted = [f"severity.{name}" for name in SEVERITIES] + [f"state.{name}" for name in states]
    assert [key for key in wanted if key not in TEXTS] == []


def test_every_outcome_but_the_boxs_own_is_offered() -> None:
    offered = set(re.findall(r'"([a-z_]+)"', (PAGE / "outcomes.js").read_text("utf-8")))
    assert set(OUTCOMES) - offered == {"no_response"}


def test_every_text_that_a_script_asks_for_exists() -> None:
    asked = {key for script in SCRIPTS for key in re.findall(r'(?:text|counted)\("([a-z_.]+)"', script.read_text("utf-8"))}
    assert [key for key in sorted(asked) if key not in TEXTS and f"{key}.other" not in TEXTS] == []


def test_no_text_accuses_anybody() -> None:
    assert [text for text in TEXTS.values() if ACCUSING.search(text)] == []


@pytest.mark.parametrize("file", sorted(PAGE.iterdir()), ids=lambda file: file.name)
def test_nothing_comes_from_another_place(file: Path) -> None:
    addresses = re.findall(r"https?://[^\s\"')]+", file.read_text("utf-8"))
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_no_script_makes_markup_or_code_from_text(script: Path) -> None:
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|srcdoc", script.read_text("utf-8"))
        == []
    )


@pytest.mark.parametrize("page", sorted(PAGE.glob("*.html")), ids=lambda file: file.name)
def test_no_page_has_inline_script_or_style(page: Path) -> None:
    markup = page.read_text("utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", markup) == []
