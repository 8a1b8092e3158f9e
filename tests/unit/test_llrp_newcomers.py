"""Newcomers first: which readers are asked for it, and what they are sent, in bytes and as the simulated reader takes it."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llrp_probe import status, tlv

from drivers.llrp import newcomers
from drivers.llrp.capabilities import Capabilities, RfMode, capabilities_from
from drivers.llrp.control import Control
from drivers.llrp.frames import Frame
from drivers.llrp.newcomers import ALL_MS, INSIDE_SESSION, NEW_MS, OUTSIDE_SESSION, ROUNDS
from drivers.llrp.rospec import rospecs
from drivers.llrp.runs import MOST_WRONG, PATIENCE_S, RESTART_S, Runs
from drivers.llrp.settings import SEARCH_MODES, LlrpSettings
from simulators.llrp_reader.capabilities import capabilities as told_by
from simulators.llrp_reader.flags import Flags
from simulators.llrp_reader.grammar import parse_message
from simulators.llrp_reader.numbers import Message
from simulators.llrp_reader.profile import profile
from simulators.llrp_reader.rospec import IMMEDIATE, ROSpec, rospec_of

ABLE = Capabilities(powers={1: 30.0}, modes={1: RfMode(2, 320e3)}, state_aware=True, rospec_specs=32, select_filters=2)


def asked(
    able: Capabilities = ABLE,
    antennas: tuple[int, ...] = (1, 2),
    impinj: bool = False,
    inside: tuple[int, ...] = (1,),
    **settings: Any,
) -> list[dict[str, Any]]:
    """All that a reader would be asked for, one that refuses everything."""
    chosen = LlrpSettings(host="192.0.2.10", **settings)
    return [rospec for _, rospec in rospecs(chosen, able, antennas, 7, impinj, inside)]


def understood(rospec: dict[str, Any], model: str = "generic", state_aware: bool = True) -> ROSpec:
    """What the simulated reader takes it for."""
    body = Control(Counter()).encode("ADD_ROSPEC", {"ROSpec": rospec})
    assert body is not None
    parsed = parse_message(Message.ADD_ROSPEC, body)
    return rospec_of(parsed.children[0], profile(model, state_aware=state_aware, max_specs=64))


def commands(rospec: dict[str, Any]) -> list[dict[str, Any]]:
    """The Gen2 command of each antenna in each AISpec."""
    specs = [aispec["InventoryParameterSpec"][0] for aispec in rospec["AISpec"]]
    return [each["C1G2InventoryCommand"][0] for spec in specs for each in spec["AntennaConfiguration"]]


def is_newcomers(rospec: dict[str, Any]) -> bool:
    return newcomers.lasts_s(rospec) is not None


def test_newcomers_and_all_take_turns_and_the_first_round_marks() -> None:
    spec = understood(asked()[0])
    assert spec.start.kind == IMMEDIATE
    durations = [(set(each.antennas), each.end.duration_ms) for each in spec.inventories]
    assert durations == [({1, 2}, 2 * NEW_MS["marks"]), ({1, 2}, 2 * ALL_MS["marks"])] * ROUNDS
    flags = [tuple(command.flag for command in each.by_flag.values()) for each in spec.inventories]
    assert flags == [(False, False), (True, True)] + [(False, False), ()] * (ROUNDS - 1)
    marking = [each.index for each in spec.inventories if any(command.selects for command in each.by_flag.values())]
    assert marking == [2]
    assert not any(each.selects for each in spec.inventories)


def test_each_round_begins_with_another_antenna() -> None:
    firsts = [aispec["AntennaID"][0] for aispec in asked(antennas=(1, 2, 3))[0]["AISpec"]]
    assert firsts[:8] == [1, 1, 2, 2, 3, 3, 1, 1]


@pytest.mark.parametrize("impinj", [False, True])
def test_other_readers_ask_newcomers_in_sessions_of_their_own(impinj: bool) -> None:
    able = Capabilities(25882 if impinj else 161, rospec_specs=32)
    first = asked(able, antennas=(1, 2, 3), impinj=impinj, inside=(2,))[0]
    spec = understood(first, "impinj" if impinj else "generic", state_aware=False)
    assert [each.end.duration_ms for each in spec.inventories] == [3 * NEW_MS["sessions"], 3 * ALL_MS["sessions"]] * ROUNDS
    new, everybody = (each["InventoryParameterSpec"][0]["AntennaConfiguration"] for each in first["AISpec"][:2])
    sessions = {each["AntennaID"]: each["C1G2InventoryCommand"][0]["C1G2SingulationControl"]["Session"] for each in new}
    assert sessions == {1: OUTSIDE_SESSION, 2: INSIDE_SESSION, 3: OUTSIDE_SESSION}
    modes = [{each["C1G2InventoryCommand"][0].get("ImpinjInventorySearchMode", {}).get("InventorySearchMode") for each in part}
             for part in (new, everybody)]  # fmt: skip
    assert modes == ([{SEARCH_MODES["single"]}, {SEARCH_MODES["dual"]}] if impinj else [{None}, {None}])


def test_what_sllurp_cannot_encode_is_on_the_wire() -> None:
    body = Control(Counter()).encode("ADD_ROSPEC", {"ROSpec": asked()[0]}) or b""
    mask = tlv(332, bytes((0x40, 0, 0x20, 0, 4, 0x30)))
    for action in (1, 6):
        assert body.count(tlv(331, b"\x40" + mask + tlv(333, bytes((0, action))))) == 2
    assert body.count(tlv(337, b"\x40")) == 2 * ROUNDS
    assert body.count(tlv(337, b"\x00")) == 2


@given(epcs=st.lists(st.binary(max_size=62), min_size=1, max_size=20))
def test_every_tag_is_marked_whatever_its_epc(epcs: list[bytes]) -> None:
    new, marking, *_ = understood(asked(antennas=(1,))[0]).inventories
    flags = Flags()
    for epc in epcs:
        flags.answers(epc, None, 1, 0.0)
    flags.begin(marking.by_flag, 0.1)
    assert all(flags.answers(epc, None, 1, 0.1) for epc in epcs)
    flags.begin(new.by_flag, 0.2)
    assert not any(flags.answers(epc, None, 1, 0.2) for epc in epcs)


@given(specs=st.integers(0, 300), filters=st.integers(0, 4), antennas=st.integers(1, 40), state_aware=st.booleans())
def test_as_many_rounds_as_a_rospec_holds_or_none_at_all(specs: int, filters: int, antennas: int, state_aware: bool) -> None:
    able = Capabilities(state_aware=state_aware, rospec_specs=specs, select_filters=filters)
    first = asked(able, tuple(range(1, antennas + 1)))[0]
    most = min(specs or 32, 32)
    assert is_newcomers(first) == (most >= 2)
    if is_newcomers(first):
        assert len(first["AISpec"]) == most // 2 * 2
        by_marks = any(command["TagInventoryStateAware"] for command in commands(first))
        assert by_marks == (state_aware and filters >= 2 and most >= 4)
        lasts = sum(each["AISpecStopTrigger"]["DurationTriggerValue"] for each in first["AISpec"])
        assert newcomers.lasts_s(first) == lasts / 1000


@pytest.mark.parametrize("state_aware", [False, True])
def test_the_simulated_readers_word_is_understood(state_aware: bool) -> None:
    told = Frame(11, 1, status() + told_by(profile("generic", state_aware=state_aware), 0, has_utc=True))
    able = capabilities_from(Control(Counter()).decode("GET_READER_CAPABILITIES_RESPONSE", told) or {})
    assert (able.state_aware, able.rospec_specs, able.select_filters) == (state_aware, 32, 2)


def test_plain_inventories_follow_as_they_always_were() -> None:
    plain = asked(inventory="plain")
    first, without_mode, *rest = asked()
    assert rest == plain
    assert [is_newcomers(each) for each in (first, without_mode, *plain)] == [True, True] + [False] * len(plain)
    assert all("C1G2RFControl" in command for command in commands(first))
    assert not any("C1G2RFControl" in command for command in commands(without_mode))


def test_all_are_asked_as_by_a_plain_inventory() -> None:
    plain, first = asked(inventory="plain")[0], asked()[0]
    unmarked = [command for command in commands(first) if not command["TagInventoryStateAware"]]
    assert len(unmarked) == 2 * (ROUNDS - 1)
    assert all(command == commands(plain)[0] for command in unmarked)
    assert first["ROReportSpec"] == plain["ROReportSpec"]


def test_a_session_of_the_users_own_is_a_plain_inventory_unless_newcomers_are_named() -> None:
    assert not any(map(is_newcomers, asked(session=0)))
    named = asked(session=2, inventory="newcomers")[0]
    assert {each["C1G2SingulationControl"]["Session"] for each in commands(named)} == {2}


def test_impinjs_report_stays_and_its_search_mode_chooses_no_newcomers() -> None:
    able = Capabilities(25882, state_aware=True, rospec_specs=32, select_filters=2)
    first = asked(able, impinj=True)[0]
    assert "ImpinjTagReportContentSelector" in first["ROReportSpec"]
    assert all(("ImpinjInventorySearchMode" in each) != each["TagInventoryStateAware"] for each in commands(first))
    assert len(understood(first, "impinj").inventories) == 32


def test_a_reader_that_is_not_state_aware_ignores_flags() -> None:
    spec = understood(asked()[0], state_aware=False)
    assert not any(each.by_flag for each in spec.inventories)


# Whether it runs again and again


@given(runs=st.integers(1, 30), wrong=st.floats(0.55, 1.45), pause=st.floats(0, 1.9), now=st.floats(1, 1e6))
def test_a_rospec_that_runs_again_and_again_is_left_alone(runs: int, wrong: float, pause: float, now: float) -> None:
    watched = Runs(9.0)
    for _ in range(runs):
        watched.started(now)
        assert watched.fault(now + 9.0, now + 9.0) is None
        now += 9.0 * wrong
        watched.ended(now, now)
        now += pause
        assert watched.fault(now, now) is None


def test_one_that_does_not_start_again_is_started_once_and_given_up_after_a_while() -> None:
    watched = Runs(9.0)
    watched.started(1.0)
    watched.ended(10.0, 10.0)
    moments = [10.0 + RESTART_S - 0.01, 10.0 + RESTART_S, 10.5]
    assert [watched.wants_start(now) for now in moments] == [False, True, False]
    due = 10.0 + PATIENCE_S
    assert watched.fault(due - 0.01, due - 0.01) is None
    assert "has not started the inventory again for 2.0 s" in (watched.fault(due, due) or "")
    assert watched.fault(due + 9, due - 0.01) is None, "the link stood still: the start may be under way"


def test_one_that_obeys_runs_even_if_it_tells_no_starts() -> None:
    watched = Runs(9.0)
    for end in range(10, 100, 9):
        watched.ended(float(end), float(end))
        assert watched.wants_start(end + 1.0)
        watched.obeyed()
        assert watched.fault(end + 8.9, end + 8.9) is None


def test_reads_from_before_the_end_do_not_prove_that_it_runs() -> None:
    watched = Runs(9.0)
    watched.started(1.0)
    watched.ended(10.0, 10.0)
    watched.read(9.99)
    assert watched.wants_start(10.1)
    watched.read(10.2)
    assert watched.fault(99.0, 99.0) is None


@pytest.mark.parametrize("lasts", [0.3, 4.0, 14.0, 60.0])
def test_one_that_does_not_keep_to_durations_is_given_up(lasts: float) -> None:
    watched, now = Runs(9.0), 1.0
    for _ in range(MOST_WRONG):
        assert watched.fault(now, now) is None
        watched.started(now)
        now += lasts
        watched.ended(now, now)
    assert "does not keep to the 9.0 s" in (watched.fault(now, now) or "")


def test_one_that_never_ends_is_given_up_while_it_reads() -> None:
    watched = Runs(2.0)
    watched.started(1.0)
    told = next(second for second in range(2, 100) if watched.read(float(second)) or watched.fault(second, second))
    assert 2.0 * MOST_WRONG < told <= 7 * 2.0


def test_of_a_reader_that_tells_neither_starts_nor_ends_nothing_is_held_against_it() -> None:
    watched = Runs(2.0)
    for second in range(2, 100):
        watched.read(float(second))
        assert watched.fault(second, second) is None
