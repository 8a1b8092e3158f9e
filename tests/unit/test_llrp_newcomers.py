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
from drivers.llrp.newcomers import ALL_MS, NEW_MS, RESERVE_MS
from drivers.llrp.repeats import MAX_HALF_SILENT, PATIENCE_S, Repeats
from drivers.llrp.rospec import rospecs
from drivers.llrp.settings import LlrpSettings
from simulators.llrp_reader.capabilities import capabilities as told_by
from simulators.llrp_reader.flags import Flags
from simulators.llrp_reader.grammar import parse_message
from simulators.llrp_reader.numbers import Message
from simulators.llrp_reader.profile import profile
from simulators.llrp_reader.rospec import PERIODIC, ROSpec, rospec_of

ABLE = Capabilities(powers={1: 30.0}, modes={1: RfMode(2, 320e3)}, state_aware=True, rospec_specs=32, select_filters=2)


def asked(
    able: Capabilities = ABLE, antennas: tuple[int, ...] = (1, 2), impinj: bool = False, **settings: Any
) -> list[dict[str, Any]]:
    """All that a reader would be asked for, one that refuses everything."""
    chosen = LlrpSettings(host="192.0.2.10", **settings)
    return [rospec for _, rospec in rospecs(chosen, able, antennas, 7, impinj)]


def understood(rospec: dict[str, Any], model: str = "generic", state_aware: bool = True) -> ROSpec:
    """What the simulated reader takes it for."""
    body = Control(Counter()).encode("ADD_ROSPEC", {"ROSpec": rospec})
    assert body is not None
    parsed = parse_message(Message.ADD_ROSPEC, body)
    return rospec_of(parsed.children[0], profile(model, state_aware=state_aware, max_specs=64))


def commands(rospec: dict[str, Any]) -> list[dict[str, Any]]:
    """The Gen2 command of each AISpec."""
    specs = [aispec["InventoryParameterSpec"][0] for aispec in rospec["AISpec"]]
    return [spec["AntennaConfiguration"][0]["C1G2InventoryCommand"][0] for spec in specs]


def is_newcomers(rospec: dict[str, Any]) -> bool:
    return newcomers.period_s(rospec) is not None


def test_each_antenna_is_asked_for_newcomers_then_for_all_and_the_first_round_marks() -> None:
    spec = understood(asked()[0])
    assert (spec.start.kind, spec.start.offset_ms, spec.start.period_ms) == (
        PERIODIC,
        0,
        16 * (NEW_MS + ALL_MS) + 32 * RESERVE_MS,
    )
    visits = [(set(each.antennas), each.end.duration_ms) for each in spec.inventories]
    assert visits == [({1}, NEW_MS), ({1}, ALL_MS), ({2}, NEW_MS), ({2}, ALL_MS)] * 8
    flags = [command.flag for each in spec.inventories for command in each.by_flag.values()]
    assert flags == [False, True, False, True] + [False] * 14
    marking = [each.index for each in spec.inventories if any(command.selects for command in each.by_flag.values())]
    assert marking == [2, 4]
    assert not any(each.selects for each in spec.inventories)


def test_what_sllurp_cannot_encode_is_on_the_wire() -> None:
    body = Control(Counter()).encode("ADD_ROSPEC", {"ROSpec": asked()[0]}) or b""
    mask = tlv(332, bytes((0x40, 0, 0x20, 0, 4, 0x30)))
    for action in (1, 6):
        assert body.count(tlv(331, b"\x40" + mask + tlv(333, bytes((0, action))))) == 2
    assert body.count(tlv(337, b"\x40")) == 16
    assert body.count(tlv(337, b"\x00")) == 2
    assert body.count(tlv(180, bytes(4) + (3520).to_bytes(4))) == 1


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


@given(specs=st.integers(0, 300), filters=st.integers(0, 4), antennas=st.integers(1, 40))
def test_as_many_rounds_as_a_rospec_holds_or_none_at_all(specs: int, filters: int, antennas: int) -> None:
    able = Capabilities(state_aware=True, rospec_specs=specs, select_filters=filters)
    first = asked(able, tuple(range(1, antennas + 1)))[0]
    most = min(specs or 32, 64)
    assert is_newcomers(first) == (filters >= 2 and most >= 4 * antennas)
    if is_newcomers(first):
        count = len(first["AISpec"])
        assert most - 2 * antennas < count <= most
        assert count % (2 * antennas) == 0
        lasts = sum(each["AISpecStopTrigger"]["DurationTriggerValue"] for each in first["AISpec"])
        assert newcomers.period_s(first) == (lasts + RESERVE_MS * count) / 1000


def test_only_readers_that_say_so_are_asked() -> None:
    for able in (Capabilities(), Capabilities(state_aware=True), Capabilities(select_filters=2, rospec_specs=32)):
        assert not any(map(is_newcomers, asked(able)))


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


def test_the_visits_to_all_ask_as_a_plain_inventory_does() -> None:
    plain, first = asked(inventory="plain")[0], asked()[0]
    unmarked = [command for command in commands(first) if not command["TagInventoryStateAware"]]
    assert len(unmarked) == 14
    assert all(command == commands(plain)[0] for command in unmarked)
    assert first["ROReportSpec"] == plain["ROReportSpec"]


def test_a_session_of_the_users_own_is_a_plain_inventory_unless_newcomers_are_named() -> None:
    assert not any(map(is_newcomers, asked(session=0)))
    named = asked(session=2, inventory="newcomers")[0]
    sessions = [(each["TagInventoryStateAware"], each["C1G2SingulationControl"]["Session"]) for each in commands(named)]
    assert set(sessions) == {(True, 0), (False, 2)}


def test_impinjs_report_stays_and_its_search_mode_chooses_no_newcomers() -> None:
    able = Capabilities(25882, state_aware=True, rospec_specs=32, select_filters=2)
    first = asked(able, impinj=True)[0]
    assert "ImpinjTagReportContentSelector" in first["ROReportSpec"]
    assert all(("ImpinjInventorySearchMode" in each) != each["TagInventoryStateAware"] for each in commands(first))
    assert len(understood(first, "impinj").inventories) == 32


def test_a_reader_that_is_not_state_aware_ignores_flags() -> None:
    spec = understood(asked()[0], state_aware=False)
    assert not any(each.by_flag for each in spec.inventories)


# Whether the reader starts it again


@given(periods=st.integers(1, 30), late=st.floats(0, 1.4), now=st.floats(0, 1e6))
def test_a_rospec_that_starts_again_and_again_is_left_alone(periods: int, late: float, now: float) -> None:
    watched = Repeats(3.5, now)
    for _ in range(periods):
        watched.started(now)
        assert watched.fault(now + 3.2, now + 3.2) is None
        watched.ended(now + 3.2)
        now += 3.5 + late
        assert watched.fault(now, now) is None


def test_a_rospec_that_does_not_start_again_is_given_up_after_its_period_and_patience() -> None:
    watched = Repeats(3.5, 0.0)
    watched.started(0.0)
    watched.ended(3.2)
    due = 3.2 + 3.5 + PATIENCE_S
    assert watched.fault(due - 0.01, due - 0.01) is None
    assert "has not started the inventory again for 5.5 s" in (watched.fault(due, due) or "")
    assert watched.fault(due + 9, due - 0.01) is None, "the link stood still: the start may be under way"


def test_reads_prove_that_it_runs() -> None:
    watched = Repeats(1.0, 0.0)
    for second in range(1, 60):
        watched.read(float(second))
        assert watched.fault(float(second), float(second)) is None
    assert watched.fault(59 + 2 * 1.0 + PATIENCE_S, 99.0)


def test_a_rospec_that_is_silent_for_half_of_the_time_is_given_up() -> None:
    watched, now = Repeats(3.5, 0.0), 0.0
    for _ in range(MAX_HALF_SILENT):
        assert watched.fault(now, now) is None
        watched.started(now)
        watched.ended(now + 3.6)
        now += 7.0
    watched.started(now)
    assert "silent for half" in (watched.fault(now, now) or "")
