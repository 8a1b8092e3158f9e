"""Lists of items, and the two rules about them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from walks import alarms, config, decisions, foreign, leave, own, run

from rfidguard.config_file import check, load
from rfidguard.events import Ledger
from rfidguard.item_list import entries_of, entry, item_list
from rfidguard.ledger import RecordSet

ITEM = own(1)
SHOP = """
[site]
id = "0001"
company_prefixes = ["0614141"]
[[gate]]
id = "front"
[[rule]]
use = "watch_list"
list_file = "watched.txt"
"""


def ringing(rules: list[dict[str, object]], epc: str = ITEM, unknown: str = "strict", *records: Ledger) -> list[str]:
    ledger = RecordSet()
    for record in records:
        ledger.add(record)
    effects = run(leave(epc), config(rule=[*rules, {"use": "unpaid"}], ledger={"unknown_epc": unknown}), ledger)
    return [f"{change.alarm.severity} {entry.reason}" for change in alarms(effects) for entry in change.alarm.items]


@pytest.mark.parametrize("listed", [ITEM, ITEM.lower(), ITEM[:14] + "*", "80614141123458"])
def test_an_item_is_listed_by_itself_by_a_beginning_or_by_its_article(listed: str) -> None:
    assert item_list([listed]).holds(ITEM)
    assert not item_list([listed]).holds(foreign(1))


@given(st.text(max_size=40))
def test_any_text_is_an_entry_or_is_refused_in_words(text: str) -> None:
    try:
        kind, plain = entry(text)
    except ValueError:
        return
    assert kind in ("epc", "prefix", "gtin")
    assert plain == plain.upper()


@pytest.mark.parametrize("text", ["", "*", "30*", "80614141123459", "3034257BF", "ITEM"])
def test_what_names_no_item_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no item|no GTIN|begins no EPC"):
        entry(text)


def test_remarks_and_empty_lines_of_a_list_are_passed_over() -> None:
    assert entries_of("# all\n\n 3034257BF7* # some\n") == [(3, "3034257BF7*")]


def test_a_listed_display_piece_passes() -> None:
    assert ringing([{"use": "allow_list", "items": [ITEM]}]) == []
    assert ringing([{"use": "allow_list", "items": [own(2)]}]) == ["warning unpaid_exit"]


def test_why_a_listed_item_passed_is_told() -> None:
    effects = run(leave(ITEM), config(rule=[{"use": "allow_list", "items": [ITEM]}, {"use": "unpaid"}]))
    assert decisions(effects, ITEM)[-1].reason == "allow_listed"


@pytest.mark.parametrize("unknown", ["strict", "stock_only"])
def test_a_watched_item_is_critical_even_where_nobody_knows_it(unknown: str) -> None:
    assert ringing([{"use": "watch_list", "items": [ITEM]}], ITEM, unknown) == ["critical watch_listed"]


def test_a_watched_item_of_another_shop_rings() -> None:
    assert ringing([{"use": "watch_list", "items": [foreign(1)]}], foreign(1)) == ["critical watch_listed"]


def test_a_watched_item_that_is_sold_passes() -> None:
    sold = Ledger(at=0.0, id="s/1", kind="sold", epc=ITEM)
    assert ringing([{"use": "watch_list", "items": [ITEM]}], ITEM, "strict", sold) == []


def test_a_site_that_observes_does_not_ring_for_its_watch_list() -> None:
    assert ringing([{"use": "watch_list", "items": [ITEM]}], ITEM, "observe") == []


def test_a_list_file_is_read_with_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(SHOP)
    (tmp_path / "watched.txt").write_text(f"{ITEM}  # hot\n")
    assert load(tmp_path / "shop.toml", {}).rule[0].params()["items"] == [ITEM]


def test_a_list_that_is_missing_or_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(SHOP)
    missing = [str(found) for found in check(tmp_path / "shop.toml", {}) if found.level == "error"]
    assert len(missing) == 1
    assert "watched.txt cannot be read" in missing[0]
    (tmp_path / "watched.txt").write_text("# ok\n12*\n")
    wrong = [str(found) for found in check(tmp_path / "shop.toml", {}) if found.level == "error"]
    assert len(wrong) == 1
    assert "watched.txt, line 2" in wrong[0]
