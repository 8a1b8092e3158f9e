"""The feed-delay table tells what it should: a feed that is faster than anybody walks costs nothing, a slower one never less."""

import xml.etree.ElementTree as ET

from benchmarks.feed_delay import COLUMNS, DELAYS_S, Result, Shop, judged
from benchmarks.feed_delay_picture import picture

SHOP = Shop(paid=150, stolen=15, articles=40)


def test_a_feed_that_is_faster_than_the_walk_costs_nothing_where_every_line_names_its_item() -> None:
    assert judged(SHOP, "serialised", 0.0, 5.0, 1) == Result(0.0, 0.0, 1.0)


def test_a_slower_feed_never_rings_less_and_what_was_paid_is_cleared_in_the_end() -> None:
    results = [judged(SHOP, "serialised", 0.0, delay_s, 1) for delay_s in DELAYS_S]
    assert [result.false for result in results] == sorted(result.false for result in results)
    assert {result.standing for result in results} == {0.0}


def test_a_hold_buys_as_much_delay() -> None:
    held = Shop(paid=150, stolen=15, articles=40, hold_s=10.0)
    assert judged(held, "serialised", 0.0, 15.0, 1).false == 0.0


def test_lines_without_an_epc_ring_where_only_items_count() -> None:
    assert judged(SHOP, "serialised", 0.2, 0.5, 1).false > 0.1
    assert judged(SHOP, "mixed", 0.2, 0.5, 1).false < 0.05


def test_the_picture_shows_every_cell() -> None:
    table = {(delay_s, column): Result(0.01, 0.0, 0.9) for delay_s in DELAYS_S for column in COLUMNS}
    drawn = ET.fromstring(picture(table, DELAYS_S, COLUMNS, "said <so>"))
    words = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert words.count("1.0 %") == words.count("90.0 %") == len(table)
    assert "said <so>" in words
