"""Newcomers first: which readers are asked for it in which form, and what they are sent, as the simulated reader takes it."""

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
from drivers.llrp.newcomers import ALL_MS, CYCLES, NEW_MS, Form
from drivers.llrp.rospec import rospecs
from drivers.llrp.settings import SEARCH_MODES, LlrpSettings
from simulators.llrp_reader.capabilities import capabilities as told_by
from simulators.llrp_reader.flags import Flags
from simulators.llrp_reader.grammar import parse_message
from simulators.llrp_reader.numbers import Message
from simulators.llrp_reader.profile import profile
from simulators.llrp_reader.rospec import DURATION, IMMEDIATE, NULL, ROSpec, rospec_of

MODES = {1: RfMode(2, 320e3)}
MARKS = Capabilities(powers={1: 30.0}, modes=MODES, state_aware=True, rospec_specs=32, select_filters=2)
SESSIONS = Capabilities(powers={1: 30.0}, modes=MODES, rospec_specs=32)
IMPINJ = Capabilities(25882, powers={1: 30.0}, modes=MODES, rospec_specs=32)


def asked(
    able: Capabilities = MARKS,
    antennas: tuple[int, ...] = (1, 2),
    impinj: bool = False,
    inside: frozenset[int] = frozenset({1}),
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
    return rospec_of(parsed.children[0], profile(model, antennas=255, state_aware=state_aware))


def configurations(aispec: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aispec["InventoryParameterSpec"][0]["AntennaConfiguration"]
    return found


def commands(aispec: dict[str, Any]) -> list[dict[str, Any]]:
    """The Gen2 command of each antenna."""
    return [each["C1G2InventoryCommand"][0] for each in configurations(aispec)]


def session_of(command: dict[str, Any]) -> int:
    session: int = command["C1G2SingulationControl"]["Session"]
    return session


def form_of(rospec: dict[str, Any]) -> Form | None:
    if newcomers.run_s(rospec) is None:
        return None
    return "marks" if any(each["TagInventoryStateAware"] for each in commands(rospec["AISpec"][0])) else "sessions"


@pytest.mark.parametrize(("able", "form"), [(MARKS, "marks"), (SESSIONS, "sessions"), (IMPINJ, "sessions")])
def test_a_cycle_asks_all_antennas_for_newcomers_then_for_all_until_the_rospec_ends_and_starts_again(
    able: Capabilities, form: Form
) -> None:
    first = asked(able, (1, 2, 3), able.impinj)[0]
    spec = understood(first, "impinj" if able.impinj else "generic")
    assert (spec.start.kind, spec.end.kind) == (IMMEDIATE, NULL)
    assert [each.end.kind for each in spec.inventories] == [DURATION] * 32
    assert [each.end.duration_ms for each in spec.inventories] == [3 * NEW_MS[form], 3 * ALL_MS[form]] * CYCLES
    assert all(each.antennas == {1, 2, 3} for each in spec.inventories)
    assert newcomers.run_s(first) == CYCLES * 3 * (NEW_MS[form] + ALL_MS[form]) / 1000
    assert form_of(first) == form


@pytest.mark.parametrize("able", [MARKS, SESSIONS])
def test_each_antenna_is_the_first_in_its_turn(able: Capabilities) -> None:
    aispecs = asked(able, (1, 2, 3))[0]["AISpec"]
    assert [each["AntennaID"] for each in aispecs] == [(1, 2, 3), (1, 2, 3), (2, 3, 1), (2, 3, 1), (3, 1, 2), (3, 1, 2)] * 5 + [
        (1, 2, 3),
        (1, 2, 3),
    ]
    assert all(tuple(one["AntennaID"] for one in configurations(each)) == each["AntennaID"] for each in aispecs)


def test_marked_tags_are_passed_over_and_the_first_cycle_marks() -> None:
    spec = understood(asked()[0])
    flags = [{command.flag for command in each.by_flag.values()} for each in spec.inventories]
    assert flags == [{False}, {True}, *([{False}, set()] * 15)]
    marking = [each.index for each in spec.inventories if any(command.selects for command in each.by_flag.values())]
    assert marking == [2]
    assert not any(each.selects for each in spec.inventories)


def test_what_sllurp_cannot_encode_is_on_the_wire() -> None:
    body = Control(Counter()).encode("ADD_ROSPEC", {"ROSpec": asked()[0]}) or b""
    mask = tlv(332, bytes((0x40, 0, 0x20, 0, 4, 0x30)))
    for action in (1, 6):
        assert body.count(tlv(331, b"\x40" + mask + tlv(333, bytes((0, action))))) == 2
    assert body.count(tlv(337, b"\x40")) == 32
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


@pytest.mark.parametrize("able", [SESSIONS, IMPINJ])
def test_by_sessions_newcomers_answer_once_inside_and_once_elsewhere(able: Capabilities) -> None:
    for new in asked(able, (1, 2, 3), able.impinj, inside=frozenset({1, 3}))[0]["AISpec"][::2]:
        sessions = {each["AntennaID"]: session_of(each["C1G2InventoryCommand"][0]) for each in configurations(new)}
        assert sessions == {1: 3, 2: 2, 3: 3}
        assert not any(each["TagInventoryStateAware"] for each in commands(new))
        modes = [each.get("ImpinjInventorySearchMode", {}).get("InventorySearchMode") for each in commands(new)]
        assert modes == [SEARCH_MODES["single"] if able.impinj else None] * 3


@pytest.mark.parametrize("able", [MARKS, SESSIONS, IMPINJ])
def test_all_are_asked_for_as_by_a_plain_inventory_in_session_0(able: Capabilities) -> None:
    plain = asked(able, impinj=able.impinj, inventory="plain", session=0)[0]
    first = asked(able, impinj=able.impinj)[0]
    every = first["AISpec"][3 if able.state_aware else 1 :: 2]
    assert all(command == commands(plain["AISpec"][0])[0] for each in every for command in commands(each))
    assert {key: value for key, value in first.items() if key != "AISpec"} == {
        key: value for key, value in plain.items() if key != "AISpec"
    }


@given(specs=st.integers(0, 300), filters=st.integers(0, 4), antennas=st.integers(1, 600), state_aware=st.booleans())
def test_the_best_form_that_a_rospec_holds_or_none_at_all(specs: int, filters: int, antennas: int, state_aware: bool) -> None:
    able = Capabilities(state_aware=state_aware, rospec_specs=specs, select_filters=filters)
    found = list(dict.fromkeys(map(form_of, asked(able, tuple(range(1, antennas + 1))))))
    room = min((specs or 32) // 2, 512 // antennas)
    marks: list[Form | None] = ["marks"] if state_aware and filters >= 2 and room >= 2 else []
    sessions: list[Form | None] = ["sessions"] if room else []
    assert found == [*marks, *sessions, None]


@pytest.mark.parametrize("specs", [0, 2, 3, 31, 32, 33, 300])
def test_as_many_cycles_as_a_rospec_holds(specs: int) -> None:
    able = Capabilities(rospec_specs=specs)
    assert len(asked(able)[0]["AISpec"]) == min(32, 2 * ((specs or 32) // 2))


@pytest.mark.parametrize("antennas", [32, 33, 64, 255])
@pytest.mark.parametrize("state_aware", [False, True])
def test_a_rospec_on_many_antennas_can_still_be_sent(antennas: int, state_aware: bool) -> None:
    able = Capabilities(25882, powers={1: 30.0}, modes=MODES, state_aware=state_aware, rospec_specs=32, select_filters=2)
    assert len(understood(asked(able, tuple(range(1, antennas + 1)), impinj=True)[0], "impinj").inventories) > 1


@pytest.mark.parametrize("state_aware", [False, True])
def test_the_simulated_readers_word_is_understood(state_aware: bool) -> None:
    told = Frame(11, 1, status() + told_by(profile("generic", state_aware=state_aware), 0, has_utc=True))
    able = capabilities_from(Control(Counter()).decode("GET_READER_CAPABILITIES_RESPONSE", told) or {})
    assert (able.state_aware, able.rospec_specs, able.select_filters) == (state_aware, 32, 2)


def test_refused_marks_become_sessions_and_then_what_always_was() -> None:
    plain = asked(inventory="plain")
    made = asked()
    assert [form_of(each) for each in made] == ["marks", "marks", "sessions", "sessions", *[None] * len(plain)]
    assert made[4:] == plain
    with_mode = [all("C1G2RFControl" in each for aispec in rospec["AISpec"] for each in commands(aispec)) for rospec in made[:4]]
    assert with_mode == [True, False, True, False]


def test_a_session_of_the_users_own_is_a_plain_inventory_unless_newcomers_are_named() -> None:
    assert set(map(form_of, asked(session=0))) == {None}
    named = asked(session=1, inventory="newcomers")[0]
    sessions = {(each["TagInventoryStateAware"], session_of(each)) for aispec in named["AISpec"] for each in commands(aispec)}
    assert sessions == {(True, 0), (False, 1)}


def test_marks_keep_impinjs_report_and_leave_out_its_search_mode() -> None:
    able = Capabilities(25882, state_aware=True, rospec_specs=32, select_filters=2)
    first = asked(able, impinj=True)[0]
    assert "ImpinjTagReportContentSelector" in first["ROReportSpec"]
    each_command = [command for aispec in first["AISpec"] for command in commands(aispec)]
    assert all(("ImpinjInventorySearchMode" in each) != each["TagInventoryStateAware"] for each in each_command)
    assert len(understood(first, "impinj").inventories) == 32


def test_a_reader_that_is_not_state_aware_ignores_flags() -> None:
    spec = understood(asked()[0], state_aware=False)
    assert not any(each.by_flag for each in spec.inventories)
