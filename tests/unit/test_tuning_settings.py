"""Settings as people write them on a command line, and as TOML again."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfidguard.tuning.settings import Setting, applied, fragment, not_shown, setting, toml_value, value_of

DATA: dict[str, Any] = {
    "site": {"id": "0001"},
    "gate": [
        {"id": "front", "reader": [{"id": "front-1", "antennas": {"1": "inside"}}]},
        {"id": "back", "mode": "light"},
    ],
    "rule": [{"use": "unpaid"}, {"use": "bulk", "items_min": 8}],
}


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("ledger.late_sale_hold_s=4", ("ledger", "late_sale_hold_s"), 4),
        ("ledger.unknown_epc = stock_only", ("ledger", "unknown_epc"), "stock_only"),
        ('ledger.unknown_epc="stock_only"', ("ledger", "unknown_epc"), "stock_only"),
        ("gate[back].mode=siren", ("gate", 1, "mode"), "siren"),
        ("gate.back.mode=siren", ("gate", 1, "mode"), "siren"),
        ("gate[1].mode=siren", ("gate", 1, "mode"), "siren"),
        ("gate[front].reader[front-1].antennas.1=outside", ("gate", 0, "reader", 0, "antennas", "1"), "outside"),
        ("rule[bulk].items_min=6", ("rule", 1, "items_min"), 6),
        ('rule=[{use="unpaid"}]', ("rule",), [{"use": "unpaid"}]),
        ("gate[front].hours=mon-sat 08:00-20:00", ("gate", 0, "hours"), "mon-sat 08:00-20:00"),
        ("ledger.credit_ttl_learn=false", ("ledger", "credit_ttl_learn"), False),
    ],
)
def test_a_setting_is_found_in_the_configuration(text: str, path: tuple[str | int, ...], value: object) -> None:
    found = setting(text, DATA)
    assert (found.path, found.value) == (path, value)
    data, wrong = applied(DATA, [found])
    assert not wrong
    assert value_of(data, path) == value


@pytest.mark.parametrize(
    "text", ["", "=", "ledger", "ledger]x=1", "gate[side].mode=light", "gate[7].mode=light", "rule[x].a=1", "action[0].kind=x"]
)
def test_what_is_no_setting_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"write KEY=VALUE|no entry is called|give the whole list"):
        setting(text, DATA)


def test_a_setting_leaves_the_configuration_that_it_is_tried_on_alone() -> None:
    applied(DATA, [setting("gate[back].mode=siren", DATA)])
    assert DATA["gate"][1]["mode"] == "light"


def test_a_setting_inside_a_plain_value_fits_nowhere() -> None:
    _, wrong = applied(DATA, [Setting(("site", "id", "x"), 1, "")])
    assert wrong


@pytest.mark.parametrize("text", ["journal.keep_days=3", "site.company_prefixes=[]", "ledger.stale_after_s=9", "mqtt.url=x"])
def test_what_a_replay_cannot_show_is_said(text: str) -> None:
    assert not_shown(setting(text, DATA))


def test_what_a_replay_can_show_is_tried() -> None:
    assert not_shown(setting("gate[front].mode=light", DATA)) is None


def test_the_fragment_names_entries_of_lists_by_what_they_are_called() -> None:
    texts = ("ledger.late_sale_hold_s=1.5", "ledger.unknown_epc=stock_only", "gate[back].mode=siren", "rule[bulk].items_min=6")
    assert tomllib.loads(fragment([setting(text, DATA) for text in texts], DATA)) == {
        "ledger": {"late_sale_hold_s": 1.5, "unknown_epc": "stock_only"},
        "gate": [{"id": "back", "mode": "siren"}],
        "rule": [{"use": "bulk", "items_min": 6}],
    }


plain = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
values = plain | st.lists(plain, max_size=3) | st.dictionaries(st.text(max_size=4), plain, max_size=3)


@given(values)
def test_every_value_is_written_as_toml_that_reads_the_same(value: Any) -> None:
    assert tomllib.loads(f"value = {toml_value(value)}")["value"] == value
