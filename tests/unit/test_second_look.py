"""An unpaid exit that a sale of the same article probably explains is a note for staff, not a siren; which feed's sales count."""

from collections.abc import Iterable

import msgspec
import pytest
from gatework import EPCS, GTINS, Gate
from walks import T0, alarms, config, leave, own, run, stand, walk

from rfidguard.core_state import from_snapshot, to_snapshot
from rfidguard.effects import AlarmChanged, Decided, Effect, Noted, SwitchOutput
from rfidguard.events import Ledger, Site
from rfidguard.runner import Runner
from rfidguard.second_look import RECENT_S

FIRST, SECOND = EPCS[:2]
A, B = own(1), own(2)
TTL_S = 900.0


def article(name: str, at: float, quantity: int = 1, source: str | None = None, kind: str = "sold") -> Ledger:
    return Ledger(at=T0 + at, id=f"{name}/1", kind=kind, gtin=GTINS[0], quantity=quantity, source=source)


def item(name: str, at: float, epc: str, kind: str = "sold", source: str | None = None) -> Ledger:
    return Ledger(at=T0 + at, id=f"{name}/1", kind=kind, epc=epc, source=source)


def items(effects: Iterable[Effect]) -> list[tuple[str, str, str]]:
    """Of the last alarm told: EPC, state and reason of each item."""
    last = [effect for effect in effects if isinstance(effect, AlarmChanged)][-1]
    return [(entry.epc, entry.state, entry.reason) for entry in last.alarm.items]


def rang(effects: Iterable[Effect]) -> bool:
    return any(isinstance(effect, SwitchOutput) and effect.seconds > 0 for effect in effects)


def test_after_its_time_an_unused_sale_of_the_article_is_a_note_and_no_siren() -> None:
    gate = Gate()
    gate.hear(article("c", 0), 0)
    gate.leave(FIRST, TTL_S + 100)
    assert items(gate.effects) == [(FIRST, "unverified", "article_sold_today")]
    assert [change.alarm.severity for change in gate.changes("raised")] == ["info"]
    assert not rang(gate.effects)
    gate.leave(SECOND, TTL_S + 400)
    assert items(gate.effects) == [(SECOND, "unpaid", "unpaid_exit")], "one sale explains one item"


def test_a_sale_that_somebody_used_explains_nobody_else() -> None:
    gate = Gate()
    gate.hear(article("c", 0), 0)
    gate.leave(FIRST, 100)
    gate.leave(SECOND, TTL_S + 400)
    assert items(gate.effects) == [(SECOND, "unpaid", "unpaid_exit")]
    assert rang(gate.effects)


def test_a_sale_of_yesterday_explains_nothing() -> None:
    gate = Gate()
    gate.hear(article("c", -86_400), 0)
    gate.leave(FIRST, 10)
    assert items(gate.effects) == [(FIRST, "unpaid", "unpaid_exit")]


def test_a_sale_of_today_that_was_returned_explains_nothing() -> None:
    gate = Gate()
    gate.hear(article("c", 0), 0)
    gate.hear(article("r", 60, kind="returned"), 60)
    gate.leave(FIRST, TTL_S + 100)
    assert items(gate.effects) == [(FIRST, "unpaid", "unpaid_exit")]


@pytest.mark.parametrize(
    ("tolerance", "state"), [("seen", "unverified"), ("recent", "unverified"), ("any", "unverified"), ("off", "unpaid")]
)
def test_the_sold_one_still_on_the_shelf_while_another_leaves_is_a_wrong_item_scanned(tolerance: str, state: str) -> None:
    sale = msgspec.structs.replace(item("s", 20, A), received=T0 + 20)
    effects = run([*stand(A, 60.0), sale, *leave(B, 40.0)], config(ledger={"unknown_epc": "strict", "swap_tolerance": tolerance}))
    reason = "wrong_item_scanned" if state == "unverified" else "unpaid_exit"
    assert [(i.epc, i.state, i.reason) for i in alarms(effects)[0].alarm.items] == [(B, state, reason)]
    assert rang(effects) == (state == "unpaid")


def stands_again(gate: Gate, epc: str, at: float) -> None:
    """The gate hears it where it always stood."""
    track = gate.runner.state.tracks["front"][epc]
    track.state, track.gone, track.last_at = "standing", False, T0 + at


@pytest.mark.parametrize(("tolerance", "state"), [("seen", "unverified"), ("off", "unpaid")])
def test_a_sale_that_went_to_an_item_still_here_explains_the_one_that_leaves(tolerance: str, state: str) -> None:
    gate = Gate(swap_tolerance=tolerance)
    gate.hear(article("c", 0), 0)
    gate.leave(FIRST, 100)
    stands_again(gate, FIRST, 120)
    gate.leave(SECOND, 130)
    assert [entry[:2] for entry in items(gate.effects)] == [(SECOND, state)]
    assert rang(gate.effects) == (state == "unpaid")


def test_a_sale_that_went_to_an_item_still_here_explains_one_item_only() -> None:
    gate = Gate()
    gate.hear(article("c", 0), 0)
    gate.leave(FIRST, 100)
    stands_again(gate, FIRST, 120)
    gate.leave(SECOND, 130)
    assert items(gate.effects) == [(SECOND, "unverified", "sold_item_still_here")]
    gate.leave(own(3, "812345"), 200)
    assert items(gate.effects)[-1][1:] == ("unpaid", "unpaid_exit")


@pytest.mark.parametrize("heard_s", [5.0, 14.0])
def test_a_sale_that_went_to_an_item_heard_for_a_moment_more_explains_nothing(heard_s: float) -> None:
    """Whoever has just left with it is heard on his way."""
    gate = Gate()
    gate.hear(article("c", 0), 0)
    gate.leave(FIRST, 100)
    gate.runner.state.tracks["front"][FIRST].last_at = T0 + 100 + heard_s
    gate.leave(SECOND, 100.5 + heard_s)
    assert items(gate.effects) == [(SECOND, "unpaid", "unpaid_exit")]


def test_a_sale_of_an_item_that_was_carried_in_again_explains_nothing() -> None:
    gate = Gate()
    gate.hear(article("c", 0), 0)
    gate.leave(FIRST, 100)
    gate.leave(FIRST, 200, direction="in")
    stands_again(gate, FIRST, 220)
    gate.leave(SECOND, 230)
    assert items(gate.effects) == [(SECOND, "unpaid", "unpaid_exit")]


def test_a_sold_one_that_was_only_carried_past_does_not_stand_anywhere() -> None:
    """Its own way out may have been missed: then it explains nothing."""
    sale = msgspec.structs.replace(item("s", -30, A), received=T0 - 30)
    past = walk(A, [(0.0, -3.0), (2.0, -1.2), (4.0, -3.0)], reach_db=-52.0)
    effects = run([sale, *past, *leave(B, 40.0)], config(ledger={"unknown_epc": "strict"}))
    assert past
    assert items(effects) == [(B, "unpaid", "unpaid_exit")]
    assert rang(effects)


@pytest.mark.parametrize("severity", ["warning", "critical"])
def test_no_sale_of_its_article_makes_a_note_of_a_watch_listed_item(severity: str) -> None:
    rules = [{"use": "watch_list", "items": [B], "severity": severity}, {"use": "unpaid"}]
    ledger = {"unknown_epc": "strict", "swap_tolerance": "any"}
    sale = msgspec.structs.replace(item("s", 20, A), received=T0 + 20)
    scene = sorted([*stand(A, 60.0), sale, *leave(B, 40.0)], key=lambda event: event.at)
    unlisted = run(scene, config(ledger=ledger, rule=rules[1:]))
    assert [entry[:2] for entry in items(unlisted)] == [(B, "unverified")], "the scene does tempt to a note"
    effects = run(scene, config(ledger=ledger, rule=rules))
    assert items(effects) == [(B, "unpaid", "watch_listed")]
    assert alarms(effects)[0].alarm.severity == severity
    assert rang(effects)


@pytest.mark.parametrize(
    ("tolerance", "after_s", "state"),
    [
        ("seen", 100, "unpaid"), ("recent", 100, "unverified"), ("recent", RECENT_S + 5, "unpaid"), ("any", 100, "unverified"),
        ("any", RECENT_S + 5, "unverified"),
    ],
)  # fmt: skip
def test_a_sold_one_that_no_gate_hears_is_believed_to_stand_as_long_as_the_site_says(
    tolerance: str, after_s: float, state: str
) -> None:
    gate = Gate(swap_tolerance=tolerance)
    gate.hear(item("s", 0, FIRST), 0)
    gate.leave(SECOND, after_s)
    assert [entry[:2] for entry in items(gate.effects)] == [(SECOND, state)]


def test_once_the_sold_one_leaves_too_the_other_is_unpaid_and_rings() -> None:
    gate = Gate(swap_tolerance="any")
    gate.hear(item("s", 0, FIRST), 0)
    gate.leave(SECOND, 100)
    assert not rang(gate.effects)
    gate.leave(FIRST, 103)
    assert items(gate.effects) == [(SECOND, "unpaid", "unpaid_exit")]
    assert rang(gate.effects)


def test_one_sale_explains_one_item_and_a_return_or_void_takes_it_away() -> None:
    gate = Gate(swap_tolerance="any")
    gate.hear(item("s", 0, FIRST), 0)
    gate.hear(item("b", 1, FIRST, "returned"), 1)
    gate.leave(SECOND, 50)
    assert items(gate.effects) == [(SECOND, "unpaid", "unpaid_exit")]
    gate.hear(item("t", 200, FIRST), 200)
    gate.hear(Ledger(at=T0 + 201, id="v/void", kind="void", ref="t"), 201)
    gate.leave(SECOND, 300)
    assert items(gate.effects) == [(SECOND, "unpaid", "unpaid_exit")]


def test_what_is_known_of_swaps_and_of_the_site_survives_a_restart() -> None:
    gate = Gate(swap_tolerance="any")
    gate.hear(item("s", 0, FIRST), 0)
    gate.runner.feed(Site(at=T0 + 1, credit_ttl_s=400.0))
    frozen = msgspec.json.decode(msgspec.json.encode(to_snapshot(gate.runner.state)))
    gate.runner = Runner(gate.layout, gate.find, state=from_snapshot(gate.layout, frozen))
    assert gate.runner.state.site.credit_ttl_s == 400.0
    gate.leave(SECOND, 100)
    assert items(gate.effects) == [(SECOND, "unverified", "wrong_item_scanned")]


def test_the_learned_time_replaces_the_configured_one() -> None:
    for ttl_s, state in ((200.0, "unverified"), (1200.0, None)):
        gate = Gate()
        gate.runner.feed(Site(at=T0, credit_ttl_s=ttl_s))
        gate.hear(article("c", 0), 0)
        gate.leave(FIRST, 1000)
        assert [entry[1] for entry in items(gate.effects)] == [state] if state else gate.verdicts() == ["sold"]


def test_while_stock_is_counted_nothing_rings_and_everything_is_judged() -> None:
    gate = Gate()
    assert gate.runner.feed(Site(at=T0, counting=True)) == [Noted("ledger", {"kind": "site", "at": T0, "counting": True})]
    assert gate.runner.feed(Site(at=T0 + 1, counting=True)) == []
    gate.leave(FIRST, 10)
    assert [(e.verdict, e.reason) for e in gate.effects if isinstance(e, Decided)] == [("unpaid", "stock_count")]
    assert gate.changes("raised") == []
    gate.runner.feed(Site(at=T0 + 20, counting=False))
    gate.leave(SECOND, 30)
    assert items(gate.effects) == [(SECOND, "unpaid", "unpaid_exit")]


def test_two_feeds_that_tell_of_one_receipt_mint_its_credits_once() -> None:
    gate = Gate(credit_authority=["mqtt"])
    gate.hear(article("till", 0, 1, "mqtt:3"), 0)
    gate.hear(article("shop-system-77", 0, 1, "shopify"), 60)
    gate.leave(FIRST, 100)
    gate.leave(SECOND, 200)
    assert gate.verdicts() == ["sold", "unpaid"]


def test_a_second_feed_repairs_what_was_sold_by_its_own_number() -> None:
    gate = Gate(credit_authority=["mqtt"])
    gate.hear(item("lost-by-the-till", 0, FIRST, source="poslog"), 50)
    gate.leave(FIRST, 100)
    assert gate.verdicts() == ["sold"]


def test_a_return_by_quantity_of_a_second_feed_takes_no_credit_back() -> None:
    gate = Gate(credit_authority=["mqtt"])
    gate.hear(article("till", 0, 1, "mqtt:3"), 0)
    gate.hear(article("other", 10, 1, "poslog", "returned"), 10)
    gate.leave(FIRST, 100)
    assert gate.verdicts() == ["sold"]


def test_a_source_is_named_whole_and_one_without_a_name_counts() -> None:
    gate = Gate(credit_authority=["mqtt"])
    gate.hear(article("stranger", 0, 1, "mqtt-bridge"), 0)
    gate.leave(FIRST, 100)
    gate.hear(article("nameless", 400), 400)
    gate.leave(SECOND, 450)
    assert gate.verdicts() == ["unpaid", "sold"]
