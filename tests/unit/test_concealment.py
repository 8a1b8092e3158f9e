"""Metal leaves and goods from the shelf are gone unsold: a hint, never a ring."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walks import T0, alarms, config, leave, own, run, stand, walk

from rfidguard.config import Config
from rfidguard.effects import AlarmChanged, Effect, SwitchOutput
from rfidguard.events import Count, Eas, Event, Ledger, Read
from rfidguard.ledger import RecordSet

FEW = settings(max_examples=5)
METAL_AT = 40.0


def metal(at: float = METAL_AT) -> Eas:
    return Eas(at=T0 + at, gate="front", pedestal="front-eas", kind="metal")


def person(direction: str = "out", at: float = METAL_AT) -> Count:
    return Count(at=T0 + at, gate="front", counter="c", direction=direction)


def shelf(*gone: int, at: float = 32.0, count: int = 6) -> list[Read]:
    """Six items; those named are no longer heard from `at` on."""
    ends = [at if n in gone else 56.0 for n in range(count)]
    return [read for n, end in enumerate(ends) for read in stand(own(n), end, place=-0.8 - 0.1 * n, rate_hz=3, seed=n)]


def hints(events: list[Event], cfg: Config | None = None, *sold: int) -> list[AlarmChanged]:
    ledger = RecordSet()
    for serial in sold:
        ledger.add(Ledger(at=T0 + 30, id=f"s/{serial}", kind="sold", epc=own(serial)))
    return [change for change in alarms(run(events, cfg, ledger)) if change.alarm.kind == "concealment"]


def named(changes: list[AlarmChanged]) -> set[str]:
    return {item.epc for change in changes for item in change.alarm.items}


@FEW
@given(st.sets(st.integers(0, 5), min_size=1, max_size=3))
def test_what_vanished_before_the_metal_is_named(gone: set[int]) -> None:
    found = hints([*shelf(*gone), metal(), person()])
    assert named(found) == {own(n) for n in gone}
    assert [(change.alarm.severity, {item.state for item in change.alarm.items}) for change in found] == [
        ("info", {"unverified"})
    ]
    assert 0 < found[0].event_at - T0 - METAL_AT <= 12.0


def test_a_hint_makes_no_noise() -> None:
    effects: list[Effect] = run([*shelf(1), metal(), person()])
    assert not [effect for effect in effects if isinstance(effect, SwitchOutput)]


def test_metal_alone_is_no_hint() -> None:
    assert hints([*shelf(), metal(), person()]) == []


def test_goods_that_vanish_without_metal_or_without_anybody_leaving_are_none() -> None:
    assert hints([*shelf(1), person()]) == []
    assert hints([*shelf(1), metal()]) == []
    assert hints([*shelf(1), metal(), person("in")]) == []


def test_sold_goods_are_not_named() -> None:
    assert named(hints([*shelf(1, 2), metal(), person()], None, 1)) == {own(2)}


def test_goods_carried_away_into_the_shop_long_ago_are_not_named() -> None:
    early = Config.model_validate(config(rule=[{"use": "concealment", "window_s": 5}]))
    assert hints([*shelf(1, at=28.0), metal(), person()], early) == []


def test_a_gate_that_hears_nothing_any_more_names_nobody() -> None:
    assert hints([*shelf(*range(6)), metal(), person()]) == []


def test_who_rings_and_hides_more_is_one_alarm() -> None:
    thief = leave(own(20), at=METAL_AT - 2.5)
    changes = [effect for effect in run([*shelf(1), metal(), person(), *thief]) if isinstance(effect, AlarmChanged)]
    assert len({change.alarm.id for change in changes}) == 1
    last = [change for change in changes if change.event_type in ("raised", "updated")][-1].alarm
    assert {item.epc: item.state for item in last.items} == {own(20): "unpaid", own(1): "unverified"}
    assert last.evidence["metal"] == "front-eas"


def test_the_rule_must_be_listed() -> None:
    assert hints([*shelf(1), metal(), person()], config(rule=[{"use": "unpaid"}])) == []


@pytest.mark.parametrize("ledger", [{"unknown_epc": "observe"}])
def test_a_site_that_observes_is_told_nothing(ledger: dict[str, str]) -> None:
    assert hints([*shelf(1), metal(), person()], config(ledger=ledger)) == []


def test_a_sale_that_comes_late_clears_the_hint() -> None:
    sale = Ledger(at=T0 + 70, id="late/1", kind="sold", epc=own(1))
    cleared = alarms(run([*shelf(1), metal(), person(), sale]), "cleared")
    assert [change.alarm.kind for change in cleared] == ["concealment"]


def test_goods_that_are_heard_to_walk_out_are_the_business_of_other_rules() -> None:
    taken = walk(own(1), [(0, -0.9), (37.0, -0.9), (41.0, 3.0)], rate_hz=10)
    kinds = {change.alarm.kind for change in alarms(run([*shelf(1, count=1, at=0.1), *taken, metal(), person()]))}
    assert kinds == {"unpaid_items"}
