"""What each proposer makes of evidence made by hand, and where it says that there is too little of it."""

import msgspec
import pytest
from tuned import T0, a_case, a_rung, an_item, cases, evidence, ways
from walks import config

from rfidguard.config import Config
from rfidguard.exit_tally import Passed
from rfidguard.tuning.advice import Advice
from rfidguard.tuning.evidence import Case, Evidence
from rfidguard.tuning.proposers import (
    PROPOSERS,
    carried_in,
    closed_hours,
    critical,
    gate_mode,
    late_sale_hold,
    proposals,
    swap_tolerance,
    unknown_direction,
    unknown_epc,
)  # fmt: skip
from rfidguard.tuning.staff import Said


def with_ledger(**policy: object) -> Config:
    return config(ledger={"unknown_epc": "strict", **policy})


def with_gate(**changes: object) -> Config:
    gate = {"id": "front", "mode": "handheld", "reader": [{"id": "front-1", "driver": "replay", "antennas": {1: "threshold"}}]}
    return config(gate=[gate | changes])


def late(*delays_s: float) -> Evidence:
    return evidence(cases=tuple(
        Case(a_rung(n, items=(an_item(n, cleared_at=T0 + delay),)), Said("paid_late")) for n, delay in enumerate(delays_s)
    ))  # fmt: skip


def only(found: object) -> Advice:
    (advice,) = list(found)  # type: ignore[call-overload]
    return advice


def test_a_site_without_history_gets_no_proposal_and_is_told_why() -> None:
    found = proposals(Evidence(), config())
    assert len(found) >= len(PROPOSERS)
    assert not [advice for advice in found if advice.settings]
    assert all(advice.why.startswith("no proposal: ") for advice in found)


def test_the_hold_covers_nine_of_ten_of_the_late_sales_that_a_hold_can_wait_for() -> None:
    advice = only(late_sale_hold.propose(late(*[0.4] * 5, *[1.2] * 5, 300.0), config()))
    assert advice.settings == ("ledger.late_sale_hold_s=1.5",)
    assert "10 of 11" in advice.why


def test_no_hold_is_proposed_where_sales_come_after_the_customer_is_gone() -> None:
    advice = only(late_sale_hold.propose(late(1.0, *[30.0] * 14), config()))
    assert not advice.settings
    assert "1 of 15" in advice.why


def test_a_hold_that_fits_is_left_alone_and_a_long_one_shortened() -> None:
    sales = late(*[0.8] * 12)
    assert not only(late_sale_hold.propose(sales, with_ledger(late_sale_hold_s=1.0))).settings
    assert only(late_sale_hold.propose(sales, with_ledger(late_sale_hold_s=4.0))).settings == ("ledger.late_sale_hold_s=1",)


def test_few_late_sales_are_counted_and_said() -> None:
    assert only(late_sale_hold.propose(late(1.0), config())).why == (
        "no proposal: too few sales that came after their exit (1 of 10)"
    )


@pytest.mark.parametrize(
    ("passed", "full_count", "ready"),
    [
        (Passed(sold=980, unsold=10, unknown=10), True, True),
        (Passed(sold=980, unsold=10, unknown=10), False, False),
        (Passed(sold=98, unsold=1, unknown=1), True, False),
        (Passed(sold=900, unsold=10, unknown=90), True, False),
    ],
)
def test_a_site_goes_live_once_the_ledger_knows_what_leaves(passed: Passed, full_count: bool, ready: bool) -> None:
    found = only(unknown_epc.propose(Evidence(passed=passed, full_count=full_count), with_ledger(unknown_epc="observe")))
    assert found.settings == (("ledger.unknown_epc=stock_only",) if ready else ())


def test_strict_is_given_up_where_it_mostly_rings_in_vain_and_all_stock_was_counted() -> None:
    vain = evidence((12, "own_property"), (3, "recovered"), full_count=True)
    assert only(unknown_epc.propose(vain, config())).settings == ("ledger.unknown_epc=stock_only",)
    assert not only(unknown_epc.propose(msgspec.structs.replace(vain, full_count=False), config())).settings
    right = evidence((12, "own_property"), (30, "recovered"), full_count=True)
    assert not only(unknown_epc.propose(right, config())).settings


def test_the_window_of_carried_in_covers_the_longest_stay() -> None:
    own = cases((6, "own_property"))
    policy = with_ledger(carried_in_s=3600)
    stayed = evidence(cases=own, ways=ways("in", own, before_s=5000.0))
    assert only(carried_in.propose(stayed, policy)).settings == ("ledger.carried_in_s=7200",)
    assert not only(carried_in.propose(evidence(cases=own), policy)).settings
    assert "0 of them were heard" in only(carried_in.propose(evidence(cases=own), policy)).why
    assert only(carried_in.propose(stayed, with_ledger(carried_in="alarm"))).settings == ("ledger.carried_in=silent",)


def test_the_swap_tolerance_follows_what_staff_found() -> None:
    swapped = evidence((5, "wrong_item_scanned"))
    assert only(swap_tolerance.propose(swapped, config())).settings == ("ledger.swap_tolerance=recent",)
    assert only(swap_tolerance.propose(swapped, with_ledger(swap_tolerance="recent"))).settings == ("ledger.swap_tolerance=any",)
    assert not only(swap_tolerance.propose(swapped, with_ledger(swap_tolerance="any"))).settings
    thefts = evidence(cases=tuple(
        Case(a_rung(n, items=(an_item(n, reason="wrong_item_scanned", rang_at=None),), rang_at=None), Said("walked_out"))
        for n in range(6)
    ))  # fmt: skip
    assert only(swap_tolerance.propose(thefts, with_ledger(swap_tolerance="recent"))).settings == ("ledger.swap_tolerance=seen",)
    assert only(swap_tolerance.propose(thefts, config())).settings == ("ledger.swap_tolerance=off",)


def test_closed_hours_are_for_staff_or_for_burglars() -> None:
    closed = with_gate(hours="10:00-11:00")
    assert only(closed_hours.propose(evidence((6, "goods_movement")), closed)).settings == ("gate[front].after_hours=disarm",)
    assert only(closed_hours.propose(evidence((6, "recovered")), closed)).settings == ("gate[front].after_hours=critical",)
    assert not only(closed_hours.propose(evidence((5, "goods_movement"), (1, "recovered")), closed)).settings
    always = with_gate(hours="00:00-24:00")
    assert "0 of 5" in only(closed_hours.propose(evidence((6, "goods_movement")), always)).why


def test_a_limit_of_critical_rises_as_far_as_no_right_alarm_loses_its_weight() -> None:
    def sized(outcome: str, size: int, count: int) -> tuple[Case, ...]:
        items = tuple(an_item(n, gtin=f"{n:014}") for n in range(size))
        return tuple(a_case(outcome, n, items=items) for n in range(count))

    settings = [
        a.settings
        for a in critical.propose(evidence(cases=sized("staff_or_transfer", 6, 9) + sized("recovered", 20, 3)), config())
    ]
    assert settings == [("alarms.critical_items=20",), (), ()]
    mixed = evidence(cases=sized("staff_or_transfer", 6, 9) + sized("recovered", 5, 1))
    assert not [a for a in critical.propose(mixed, config()) if a.settings]


def test_passages_without_a_direction_count_for_nothing_where_they_never_meant_anything() -> None:
    stray = cases((9, "stray"))
    plane = with_gate()
    assert only(unknown_direction.propose(evidence(cases=stray, ways=ways("unknown", stray)), plane)).settings == (
        "gate[front].unknown_direction=ignore",
    )
    assert "0 of 8" in only(unknown_direction.propose(evidence(cases=stray, ways=ways("out", stray)), plane)).why
    some = cases((9, "stray"), (1, "recovered"))
    assert not only(unknown_direction.propose(evidence(cases=some, ways=ways("unknown", some)), plane)).settings


def test_a_gate_becomes_louder_with_its_right_alarms_and_softer_with_its_wrong_ones() -> None:
    outputs = [{"id": "light", "reader": "front-1", "pin": 1}, {"id": "siren", "reader": "front-1", "pin": 2}]
    good, poor = evidence((60, "recovered"), (2, "stray")), evidence((3, "recovered"), (25, "stray"))
    assert only(gate_mode.propose(good, with_gate(output=outputs))).settings == ("gate[front].mode=light",)
    assert only(gate_mode.propose(good, with_gate(output=outputs, mode="light"))).settings == ("gate[front].mode=siren",)
    assert not only(gate_mode.propose(good, with_gate())).settings
    assert only(gate_mode.propose(poor, with_gate(output=outputs, mode="siren"))).settings == ("gate[front].mode=light",)
