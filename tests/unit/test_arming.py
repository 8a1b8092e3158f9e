"""When a gate is quiet: opening hours, commands, staff who move goods. Everything it would have said is recorded, and it ends."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walks import T0, alarms, config, crossing_of, decisions, leave, own, run, stand, walk

from rfidguard.arming import LONGEST_MOVEMENT_S, quiet
from rfidguard.config import Config
from rfidguard.config_file import check
from rfidguard.core_state import GateState
from rfidguard.effects import AlarmChanged, Effect, Noted, SwitchOutput
from rfidguard.events import Command, Event, Ledger
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet

ITEM, BADGE = own(1), "3034F4E4E4424C8000000BAD"
READER = {"id": "front-1", "driver": "replay", "antennas": {1: "inside", 2: "outside"}}
BERLIN = ZoneInfo("Europe/Berlin")


def shop(unknown: str = "strict", badges: bool = False, **gate: object) -> Config:
    output = {"id": "light", "reader": "front-1", "pin": 1}
    site = {"id": "0001", "company_prefixes": ["0614141"], "timezone": "Europe/Berlin"}
    moved = {"badges": [BADGE[:20] + "*"], "seconds": 60.0} if badges else {}
    front = {"id": "front", "mode": "siren", "reader": [READER], "output": [output]} | gate
    return config(site=site, ledger={"unknown_epc": unknown}, gate=[front], goods_movement=moved)


def order(name: str, at: float, **more: object) -> Command:
    return Command(at=T0 + at, id=f"c{at}", name=name, **more)  # type: ignore[arg-type]


def reasons(events: list[Event], cfg: Config, epc: str = ITEM, *records: Ledger) -> tuple[list[str], str]:
    ledger = RecordSet()
    for record in records:
        ledger.add(record)
    effects = run(events, cfg, ledger)
    return [change.alarm.severity for change in alarms(effects)], decisions(effects, epc)[-1].reason


def noise(effects: list[Effect]) -> int:
    return sum(isinstance(effect, SwitchOutput) for effect in effects)


# T0 is a Friday, 9:00 in Berlin.
OPEN, CLOSED = "mon-sat 08:00-20:00", "mon-sat 12:00-20:00"


def test_a_gate_is_armed_while_open_and_records_only_while_closed() -> None:
    assert reasons(leave(ITEM), shop(hours=OPEN, after_hours="disarm")) == (["warning"], "unpaid_exit")
    assert reasons(leave(ITEM), shop(hours=CLOSED, after_hours="disarm")) == ([], "disarmed")


@pytest.mark.parametrize("unknown", ["strict", "stock_only"])
def test_while_closed_any_own_item_that_leaves_unsold_is_critical(unknown: str) -> None:
    assert reasons(leave(ITEM), shop(unknown, hours=CLOSED, after_hours="critical")) == (["critical"], "after_hours")


def test_while_closed_own_clothes_are_critical_too_and_sold_goods_are_not() -> None:
    cfg = shop(hours=CLOSED, after_hours="critical")
    assert reasons([*walk(ITEM, [(0, 3), (5, -3)]), *leave(ITEM, at=600.0)], cfg) == (["critical"], "after_hours")
    sold = Ledger(at=T0 - 60, id="s/1", kind="sold", epc=ITEM)
    assert reasons(leave(ITEM), cfg, ITEM, sold) == ([], "sold")


def test_hours_of_the_site_hold_where_the_gate_has_none() -> None:
    cfg = shop(after_hours="disarm")
    cfg = Config.model_validate(cfg.model_dump() | {"site": cfg.site.model_dump() | {"open": CLOSED}})
    assert reasons(leave(ITEM), cfg)[0] == []


@given(st.floats(1_767_225_600.0, 1_830_297_600.0))
def test_hours_are_local_ones_whatever_the_clocks_do(at: float) -> None:
    gate = layout_from(shop(hours="08:00-20:00", after_hours="disarm")).gates["front"]
    local = datetime.fromtimestamp(at, BERLIN)
    minute = local.hour * 60 + local.minute + local.second / 60
    assert gate.is_open(at) == (480 <= minute <= 1200)


def test_check_wants_hours_and_the_rule(tmp_path: Path) -> None:
    text = '[site]\nid = "1"\ncompany_prefixes = ["0614141"]\n[[gate]]\nid = "front"\n'
    (tmp_path / "a.toml").write_text(text + 'after_hours = "critical"\n[[rule]]\nuse = "unpaid"\n')
    errors = [str(found) for found in check(tmp_path / "a.toml", {}) if found.level == "error"]
    assert len(errors) == 2
    assert "needs opening hours" in errors[0] + errors[1]
    assert "needs the rule" in errors[0] + errors[1]
    (tmp_path / "b.toml").write_text(text + 'after_hours = "critical"\nhours = "mon-fri 08:00-20:00"\n')
    assert [found for found in check(tmp_path / "b.toml", {}) if found.level == "error"] == []


def test_a_gate_that_is_disarmed_for_a_time_is_armed_again_by_itself() -> None:
    events = [order("disarm", 0.0, seconds=30.0), *leave(ITEM, at=5.0), *leave(own(2), at=60.0)]
    effects = run(events, shop())
    assert decisions(effects, ITEM)[-1].reason == "disarmed"
    assert [item.epc for change in alarms(effects) for item in change.alarm.items] == [own(2)]


def test_goods_movement_by_command_ends_by_itself_and_at_arm() -> None:
    moved = order("disarm", 0.0, reason="goods_movement", seconds=30.0)
    effects = run([moved, *leave(ITEM, at=5.0), *leave(own(2), at=60.0)], shop())
    assert decisions(effects, ITEM)[-1].reason == "goods_movement"
    assert len(alarms(effects)) == 1
    assert len(alarms(run([moved, order("arm", 3.0), *leave(ITEM, at=5.0)], shop()))) == 1


@settings(max_examples=20)
@given(st.none() | st.floats(1, 86_400))
def test_goods_movement_always_has_an_end(seconds: float | None) -> None:
    from rfidguard.runner import Runner

    runner = Runner(layout_from(shop()), RecordSet().find)
    for n in range(20):
        runner.feed(order("disarm", 600.0 * n, reason="goods_movement", seconds=seconds))
    assert runner.state.gates["front"].movement_until <= T0 + LONGEST_MOVEMENT_S + 600.0 * 20


def test_goods_that_leave_with_a_badge_are_being_moved() -> None:
    group = [*leave(BADGE, at=0.3), *(read for n in range(1, 5) for read in leave(own(n), at=0.1 * n, seed=n))]
    effects = run(group, shop(badges=True))
    changes = [effect for effect in effects if isinstance(effect, AlarmChanged)]
    assert noise(effects) == 0
    assert all(change.alarm.outcome == "goods_movement" for change in changes if change.event_type == "cleared")
    assert {change.alarm.state for change in changes[-1:]} <= {"cleared"}
    told = [effect.body for effect in effects if isinstance(effect, Noted) and "movement" in effect.body]
    assert told[0]["movement"]["by"] == f"badge {BADGE}"


def test_what_follows_the_badge_is_moved_until_the_time_is_over() -> None:
    effects = run([*leave(BADGE), *leave(ITEM, at=30.0), *leave(own(2), at=90.0)], shop(badges=True))
    assert decisions(effects, ITEM)[-1].reason == "goods_movement"
    assert [item.epc for change in alarms(effects) for item in change.alarm.items] == [own(2)]


def test_a_badge_that_only_hangs_near_the_gate_or_stays_inside_moves_nothing() -> None:
    for badge in (stand(BADGE, 40.0), walk(BADGE, [(18.0, -3.0), (20.0, -1.0), (23.0, -3.0)])):
        effects = run([*badge, *leave(ITEM, at=20.0)], shop(badges=True))
        unpaid = [change for change in effects if isinstance(change, AlarmChanged) and change.alarm.items[0].state == "unpaid"]
        assert unpaid[0].event_at - crossing_of(20.0) <= 4.0
        assert noise(effects) == 1


def test_many_items_alone_move_nothing() -> None:
    effects = run([read for n in range(12) for read in leave(own(n), at=0.1 * n, rate_hz=10, seed=n)], shop(badges=True))
    assert noise(effects) == 1


def test_a_badge_never_rings() -> None:
    effects = run(leave(BADGE), shop(badges=True))
    assert alarms(effects) == []
    assert decisions(effects, BADGE)[-1].reason == "badge"


@pytest.mark.parametrize(
    ("memory", "wanted"),
    [
        (GateState(), None),
        (GateState(muted_until=T0 + 5), ("muted", T0 + 5)),
        (GateState(muted_until=T0 - 5), None),
        (GateState(disarmed=True), ("disarmed", None)),
        (GateState(disarmed=True, disarmed_until=T0 - 1), None),
        (GateState(disarmed=True, movement_until=T0 + 9), ("goods_movement", T0 + 9)),
    ],
)
def test_why_a_gate_is_quiet_and_until_when(memory: GateState, wanted: tuple[str, float | None] | None) -> None:
    why = quiet(layout_from(shop()).gates["front"], memory, T0)
    assert (why and (why.reason, why.until)) == wanted
