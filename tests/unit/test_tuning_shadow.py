"""A shadow core over hand-made journals: it rings what a replay rings, and its memory is its own."""

from collections.abc import Iterable

import msgspec
from walks import T0, config, crossing_of, foreign, leave, own, run, stand

from rfidguard.config import Config
from rfidguard.effects import AlarmChanged
from rfidguard.events import Answer, Event, Ledger, Site, State, heard_at
from rfidguard.layout import layout_from
from rfidguard.runner import Runner
from rfidguard.tuning.compare import GONE, LOUDER, QUIETER, compare
from rfidguard.tuning.rung import RINGS, TOLD, Rung
from rfidguard.tuning.shadow import Shadow
from rfidguard.tuning.staff import RIGHT, Said, Words, note_answer


def shadow(events: Iterable[Event], cfg: Config | None = None) -> list[Rung]:
    core = Shadow(cfg or config())
    for event in sorted(events, key=heard_at):
        core.feed(event)
    core.end()
    return core.alarms()


def held(seconds: float) -> Config:
    return config(ledger={"unknown_epc": "strict", "late_sale_hold_s": seconds})


def late_sale(epc: str, at: float, late_s: float) -> Ledger:
    return Ledger(at=T0 + at, received=crossing_of(at) + late_s, id=f"{epc}/1", kind="sold", epc=epc)


def snapshot_after(events: Iterable[Event], at: float, cfg: Config) -> State:
    """What a daemon with this configuration would have written at `at`."""
    runner = Runner(layout_from(cfg), lambda _keys: ())
    for event in sorted((event for event in events if heard_at(event) < at), key=heard_at):
        runner.feed(event)
    return msgspec.json.decode(msgspec.json.encode(runner.snapshot(at)), type=State)


def test_a_shadow_rings_what_a_replay_rings() -> None:
    events = [*leave(own(1)), *leave(own(2), at=30.0), *leave(foreign(1)), *stand(own(9), 40.0)]
    effects = run(events)
    raised = [e.alarm for e in effects if isinstance(e, AlarmChanged) and e.event_type == "raised"]
    found = shadow(events)
    assert [rung.id for rung in found] == [alarm.id for alarm in raised]
    assert [rung.unpaid for rung in found] == [frozenset({own(1)}), frozenset({own(2)})]
    assert all(rung.sound == RINGS and rung.outputs == ("front-light",) for rung in found)


def test_a_hold_keeps_an_alarm_quiet_whose_sale_comes_in_time() -> None:
    events = [*leave(own(1)), late_sale(own(1), 0.0, 3.0), *leave(own(2, "812346"), at=60.0)]
    before, after = shadow(events), shadow(events, held(6.0))
    assert [rung.sound for rung in before] == [RINGS, RINGS]
    assert [rung.sound for rung in after] == [TOLD, RINGS]
    found = compare(before, after, Words({}))
    assert [difference.kind for difference in found] == [QUIETER, "changed"]
    assert found[1].shift_s == 6.0


def test_a_late_sale_is_known_with_its_delay() -> None:
    (rung,) = shadow([*leave(own(1)), late_sale(own(1), 0.0, 3.0)])
    (item,) = rung.items
    assert item.cleared_at is not None
    assert 0.0 < item.cleared_at - item.first_at < 3.5
    assert rung.outcome == "paid_late"


def test_observe_and_strict_differ_by_all_alarms() -> None:
    events = leave(own(1))
    silent = shadow(events, config(ledger={"unknown_epc": "observe"}))
    assert not silent
    assert [d.kind for d in compare(shadow(events), silent, Words({}))] == [GONE]


def test_a_quieter_gate_switches_nothing() -> None:
    loud = shadow(leave(own(1)))
    gate = config().model_dump()["gate"][0] | {"mode": "handheld"}
    (difference,) = compare(loud, shadow(leave(own(1)), config(gate=[gate])), Words({}))
    assert difference.what == ("outputs",)
    (back,) = compare(shadow(leave(own(1)), config(gate=[gate | {"mode": "observe"}])), loud, Words({}))
    assert back.kind == "new"


def test_an_answer_finds_its_alarm_although_that_was_raised_at_another_moment() -> None:
    (rung,) = shadow(leave(own(1)))
    other = f"{'0' * 10}{rung.passage}"
    answer = Answer(at=T0 + 20, id="a", alarm=other, action="resolve", by="anna", outcome="recovered")
    assert shadow([*leave(own(1)), answer])[0].outcome == "recovered"


def test_the_snapshot_of_a_new_file_does_not_bring_back_what_the_other_settings_remember() -> None:
    """The daemon's snapshot has an alarm that rings; the shadow's waits for the sale, and goes on waiting."""
    walk = leave(own(1))
    rotated = snapshot_after(walk, crossing_of() + 2.0, config())
    events = [*walk, rotated, late_sale(own(1), 0.0, 4.0)]
    assert rotated.snapshot["incidents"]
    assert [rung.sound for rung in shadow(events, held(8.0))] == [TOLD]


def test_after_a_gap_the_snapshot_is_taken_over_and_open_alarms_stay_the_shadows_own() -> None:
    walk, later = leave(own(1)), leave(own(2), at=300.0)
    state = snapshot_after([*walk, *stand(own(8), 100.0, at=150.0)], T0 + 260.0, config())
    events: list[Event] = [*walk, state, *later]
    found = shadow(events)
    assert [rung.unpaid for rung in found] == [frozenset({own(1)}), frozenset({own(2)})]
    assert found[0].outcome == "no_response"


def test_a_snapshot_that_cannot_be_read_is_counted_and_passed_over() -> None:
    core = Shadow(config())
    core.feed(State(at=T0, snapshot={"tracks": 7}))
    for event in leave(own(1)):
        core.feed(event)
    core.end()
    assert core.bad_states == 1
    assert len(core.alarms()) == 1


def test_a_learned_credit_time_counts_only_where_it_is_to_be_learned() -> None:
    gtin = "80614141123458"
    events: list[Event] = [
        Site(at=T0 - 200, credit_ttl_s=3000.0),
        Ledger(at=T0 - 1500, received=T0 - 100, id="c/1", kind="sold", gtin=gtin),
        *leave(own(1)),
    ]
    learned = shadow(events)
    fixed = shadow(events, config(ledger={"unknown_epc": "strict", "credit_ttl_learn": False, "credit_ttl_s": 600}))
    assert not learned
    assert [rung.sound for rung in fixed][:1] != [RINGS] or fixed
    assert fixed
    assert {d.kind for d in compare(learned, fixed, Words({}))} <= {"new", LOUDER}


def test_an_answer_after_the_alarm_expired_is_evidence_all_the_same() -> None:
    (rung,) = shadow(leave(own(1)))
    assert rung.outcome == "no_response"
    said: dict[str, Said] = {}
    note_answer(said, Answer(at=T0 + 900, id="a", alarm=rung.id, action="resolve", by="anna", outcome="recovered"))
    note_answer(said, Answer(at=T0 + 901, id="b", alarm=rung.id, action="resolve", by="ben", outcome="stray"))
    assert Words({rung.id: Said("no_response")}, said).of(rung).meaning == RIGHT
    assert Words({rung.id: Said("stray")}, said).of(rung).outcome == "stray"
