"""One alarm that grows: sweeps, severity, and how often it is told."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walks import T0, alarms, config, leave, own, run

from rfidguard.alarm import Item, alarm_message
from rfidguard.effects import AlarmChanged, Decided, Effect, SwitchOutput
from rfidguard.events import Article, Lookup
from rfidguard.incident import UPDATE_S, raised
from rfidguard.layout import layout_from
from rfidguard.weight import weighed

LAYOUT = layout_from(config())
FEW = settings(max_examples=max(settings().max_examples // 10, 5))


def sweep(count: int, span_s: float, *, one_article: bool = True) -> list[Effect]:
    items = [own(n + 1, "812345" if one_article else f"8{n:05d}") for n in range(count)]
    every = max(count - 1, 1)
    return run([read for n, epc in enumerate(items) for read in leave(epc, at=span_s * n / every, rate_hz=10, seed=n)])


def told(effects: list[Effect]) -> list[AlarmChanged]:
    return [effect for effect in effects if isinstance(effect, AlarmChanged) and effect.event_type in ("raised", "updated")]


def item(serial: int, price: str | None = None, state: str = "unpaid", article: str | None = None) -> Item:
    gtin = article or f"{serial:014d}"
    return Item(epc=own(serial), gtin=gtin, price=price, state=state, reason="unpaid_exit", certainty=1.0, decided_at=T0 + serial)


def severity(*items: Item) -> str:
    incident = raised(
        LAYOUT, gate="front", kind="unpaid_items", severity="warning", items=items, crossing=T0, start=T0, first="x", now=T0
    )
    return weighed(LAYOUT, incident.alarm)[1]


def test_a_sweep_of_sixty_is_one_alarm_that_names_them_all_and_becomes_bulk() -> None:
    effects = sweep(60, 5.0)
    assert len(alarms(effects)) == 1
    last = told(effects)[-1].alarm
    assert (last.kind, last.severity, len(last.items)) == ("bulk", "critical", 60)


def test_a_sweep_is_told_at_once_and_then_a_few_times_a_second() -> None:
    times = [change.event_at for change in told(sweep(60, 5.0))]
    assert max(Counter(int(at) for at in times).values()) <= 1 / UPDATE_S + 3
    assert len(times) <= (times[-1] - times[0]) / UPDATE_S + 4


@FEW
@given(st.integers(1, 25), st.floats(0.0, 5.0))
def test_every_item_is_told_in_the_end_whatever_is_held_back(count: int, span_s: float) -> None:
    effects = sweep(count, span_s)
    assert len(alarms(effects)) == 1
    rang = {effect.epc for effect in effects if isinstance(effect, Decided) and effect.verdict == "unpaid"}
    assert {entry.epc for entry in told(effects)[-1].alarm.items} == rang


@FEW
@given(st.integers(2, 25))
def test_each_output_is_switched_once_for_an_alarm(count: int) -> None:
    assert len([effect for effect in sweep(count, 2.0) if isinstance(effect, SwitchOutput)]) == 1


def test_seven_items_are_no_sweep_and_five_are_critical() -> None:
    assert told(sweep(7, 2.0, one_article=False))[-1].alarm.kind == "unpaid_items"
    assert [told(sweep(n, 1.0, one_article=False))[-1].alarm.severity for n in (4, 5)] == ["warning", "critical"]


def test_bulk_does_not_ring_where_its_rule_is_not_listed() -> None:
    items = [read for n in range(12) for read in leave(own(n), at=0.1 * n, rate_hz=10, seed=n)]
    assert {change.alarm.kind for change in told(run(items, config(rule=[{"use": "unpaid"}])))} == {"unpaid_items"}


def test_an_action_for_unpaid_items_holds_for_bulk_too() -> None:
    items = [read for n in range(12) for read in leave(own(n), rate_hz=10, seed=n)]
    effects = run(items, config(action=[{"kind": "unpaid_items", "do": ["light"]}]))
    assert [effect for effect in effects if isinstance(effect, SwitchOutput)]


@pytest.mark.parametrize(
    ("items", "wanted"),
    [
        ([item(1)], "warning"),
        ([item(1, "299.99")], "warning"),
        ([item(1, "150.00"), item(2, "150.00")], "critical"),
        ([item(1, "299.99"), item(2, "150.00", state="cleared")], "warning"),
        ([item(n, article="a") for n in range(2)], "warning"),
        ([item(n, article="a") for n in range(3)], "critical"),
        ([item(n) for n in range(5)], "critical"),
    ],
)
def test_severity_follows_value_count_and_multiples(items: list[Item], wanted: str) -> None:
    assert severity(*items) == wanted


@given(st.lists(st.tuples(st.decimals(0, 500, places=2), st.sampled_from(["unpaid", "cleared", "sold"])), max_size=8))
def test_an_item_more_never_makes_an_alarm_lighter(rows: list[tuple[object, str]]) -> None:
    items = [item(n + 1, str(price), state) for n, (price, state) in enumerate(rows)]
    order = ["info", "warning", "critical"]
    ranks = [order.index(severity(*items[:n])) for n in range(1, len(items) + 1)]
    assert ranks == sorted(ranks)


def test_value_is_the_exact_sum_of_what_nobody_paid_for() -> None:
    articles = (Article("80614141123458", "Scarf", "19.90"), Article("80614141123465", "Hat", "0.10"))
    known = Lookup(at=T0 + 1, keys=tuple(f"gtin:{article.gtin}" for article in articles), articles=articles)
    effects = run([known, *leave(own(1)), *leave(own(2, "812346"), at=0.2)])
    assert alarm_message(told(effects)[-1].alarm)["value"] == "20.00"
