"""Set-up without a wire: settings, statuses, capabilities, ROSpecs and the dialogue, answered by hand."""

import struct
from collections import Counter
from typing import Any

import pytest
from llrp_probe import ANSWERS, capabilities, message, status, tlv
from pydantic import ValidationError

from drivers.llrp import messages
from drivers.llrp.capabilities import Capabilities, ReaderState, RfMode, capabilities_from, state_from
from drivers.llrp.control import MAX_DECODED_BYTES, Control
from drivers.llrp.dialogue import Dialogue, Setup
from drivers.llrp.frames import Frame
from drivers.llrp.health import Health
from drivers.llrp.messages import Answer, Request, Status
from drivers.llrp.outputs import Outputs
from drivers.llrp.rospec import rospecs
from drivers.llrp.settings import LlrpSettings
from rfidguard.errors import DeviceLost
from simulators.llrp_reader.capabilities import capabilities as told_by
from simulators.llrp_reader.profile import profile

SETTINGS = LlrpSettings(host="192.0.2.10")


def frame(kind: int, body: bytes) -> Frame:
    return Frame(kind, 1, body)


def answered(request: Request, body: bytes) -> Answer:
    reply = frame(ANSWERS.get(request.kind, 1023), body)
    return Answer(reply, messages.status_of(reply))


def converse(talk: Any, replies: dict[int, bytes | None]) -> list[Request]:
    """All requests of a dialogue, each answered with `replies` of its type (None: silence), else with success."""
    asked = []
    try:
        request = next(talk)
        while True:
            asked.append(request)
            fine = struct.pack("!IB", 25882, 22) + status() if request.kind == 1023 else status()
            reply = replies.get(request.kind, fine)
            request = talk.send(Answer() if reply is None else answered(request, reply))
    except StopIteration:
        return asked


def dialogue(**setup: Any) -> Dialogue:
    return Dialogue(Setup(settings=SETTINGS, antennas=(1, 2), number=1001, keepalive_s=1.0, **setup), Counter())


@pytest.mark.parametrize(
    "wrong",
    [
        {"keepalive_s": 0.5},
        {"keepalive_s": 6},
        {"session": 4},
        {"mode": "fastest"},
        {"inventory": "newcomer"},
        {"mode": -1},
        {"port": 0},
        {"sesion": 1},
        {"host": ""},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LlrpSettings.model_validate({"host": "192.0.2.10"} | wrong)


def test_a_status_tells_code_text_and_culprit() -> None:
    body = struct.pack("!HH", 100, 4) + b"oops" + tlv(289, struct.pack("!HH", 224, 101) + tlv(288, struct.pack("!HH", 2, 301)))
    told = str(messages.status_of(frame(30, tlv(287, body))))
    assert told == "M_ParameterError: oops (parameter 224: M_FieldError) (field 2: A_OutOfRange)"


@pytest.mark.parametrize("body", [b"", b"\x01", tlv(287, b"\x00"), tlv(999, b"abc"), b"\x01\x1f\x00\xff\x00\x00"])
def test_an_answer_without_a_readable_status_is_no_success(body: bytes) -> None:
    assert messages.status_of(frame(30, body)) == Status(-1, "an answer without a status")


def test_capabilities_are_understood() -> None:
    decoded = Control(Counter()).decode("GET_READER_CAPABILITIES_RESPONSE", frame(11, capabilities()))
    able = capabilities_from(decoded or {})
    assert able == Capabilities(25882, 2001001, "6.4.1", 4, 4, 4, {1: 10.0, 2: 20.0, 3: 30.0}, 1, True, rospec_specs=1)


@pytest.mark.parametrize(("dbm", "index"), [(None, 3), (30, 3), (29.9, 2), (10, 1), (3, 1)])
def test_the_power_asked_for_is_never_exceeded_if_the_reader_can_help_it(dbm: float | None, index: int) -> None:
    assert Capabilities(powers={1: 10.0, 2: 20.0, 3: 30.0}).power_index(dbm) == index


def test_a_reader_without_a_power_table_keeps_its_own_power() -> None:
    assert Capabilities().power_index(20.0) is None


def test_inputs_and_unplugged_antennas_are_understood() -> None:
    pins = b"".join(tlv(225, struct.pack("!HBB", pin, 0x80, state)) for pin, state in ((1, 0), (2, 1), (3, 2)))
    antennas = tlv(221, b"\x80\x00\x01\x00\x00") + tlv(221, b"\x00\x00\x02\x00\x00")
    decoded = Control(Counter()).decode("GET_READER_CONFIG_RESPONSE", frame(12, status() + pins + antennas))
    assert state_from(decoded or {}) == ReaderState({1: False, 2: True}, (2,))


def test_what_sllurp_raises_is_counted() -> None:
    rejects: Counter[str] = Counter()
    control = Control(rejects)
    assert control.decode("GET_READER_CONFIG_RESPONSE", frame(12, b"\xff")) is None
    assert control.decode("NO_SUCH_MESSAGE", frame(12, b"")) is None
    assert control.encode("ADD_ROSPEC", {"ROSpec": {}}) is None
    assert control.decode("GET_READER_CONFIG_RESPONSE", frame(12, bytes(MAX_DECODED_BYTES + 1))) is None
    assert rejects == {"control_decode": 2, "control_encode": 1, "control_too_long": 1}


def test_inventories_get_simpler_and_never_repeat() -> None:
    able = Capabilities(manufacturer=25882, powers={1: 30.0}, hop_table=1)
    made = [Control(Counter()).encode("ADD_ROSPEC", {"ROSpec": rospec}) for _, rospec in rospecs(SETTINGS, able, (1, 2), 7, True)]
    lengths = [len(body or b"") for body in made]
    assert len(made) == len(set(made)) == 7
    assert lengths[0] == max(lengths)
    assert lengths[-1] == min(lengths)


def modes_asked(able: Capabilities, **settings: object) -> list[int | None]:
    """The RF mode of each inventory with a Gen2 command that a reader would be asked for, one that refuses every one."""
    given = SETTINGS.model_copy(update={"inventory": "plain"} | settings)
    found = []
    for _, rospec in rospecs(given, able, (1,), 7, impinj=False):
        for antenna in rospec["AISpec"][0]["InventoryParameterSpec"][0]["AntennaConfiguration"]:
            for command in antenna.get("C1G2InventoryCommand", ()):
                found.append(command.get("C1G2RFControl", {}).get("ModeIndex"))
    return found


@pytest.mark.parametrize("model", ["impinj", "generic"])
def test_the_fast_mode_is_the_one_whose_bits_take_the_least_time_but_for_fm0(model: str) -> None:
    told = frame(11, status() + told_by(profile(model), 0, has_utc=True))
    able = capabilities_from(Control(Counter()).decode("GET_READER_CAPABILITIES_RESPONSE", told) or {})
    rates = {mode: able.modes[mode].bit_rate for mode in range(4)}
    assert rates == {0: 640e3, 1: 320e3, 2: 274e3 / 4, 3: 170.6e3 / 8}
    assert able.fast_mode == 1
    assert Capabilities(modes={5: RfMode(1, 640e3)}).fast_mode == 5


def test_the_fast_mode_is_asked_for_and_given_up_where_it_is_refused() -> None:
    modes = {1002: RfMode(4, 10e3), 3: RfMode(8, 21e3), 1: RfMode(2, 320e3), 4: RfMode(2, 320e3), 0: RfMode(1, 640e3)}
    able = Capabilities(powers={1: 30.0}, modes=modes)
    assert modes_asked(able) == [1, None, None]
    assert modes_asked(able, mode="reader") == [None, None]
    assert modes_asked(able, mode=1002) == [1002, 1002]
    assert modes_asked(Capabilities(powers={1: 30.0})) == [None, None]


def test_without_impinj_session_0_keeps_reads_coming() -> None:
    plain = SETTINGS.model_copy(update={"inventory": "plain"})
    _, rospec = next(rospecs(plain, Capabilities(), (1,), 7, impinj=False))
    antenna = rospec["AISpec"][0]["InventoryParameterSpec"][0]["AntennaConfiguration"][0]
    assert antenna["C1G2InventoryCommand"][0]["C1G2SingulationControl"]["Session"] == 0


def test_the_set_up_goes_in_order() -> None:
    talk = dialogue()
    talk.setup.capabilities = Capabilities(manufacturer=25882)
    kinds = [request.kind for request in converse(talk.prepare(), {})]
    assert kinds == [1023, 3, 2, 2, 2, 41, 21, 20, 24]


def test_settings_refused_together_are_sent_piece_by_piece() -> None:
    asked = converse(dialogue().configure(), {3: status(101)})
    assert [request.what for request in asked] == ["settings", "keepalive", "events"]


def test_a_toy_is_not_asked_for_its_versions() -> None:
    talk = dialogue()
    converse(talk.ask_capabilities(), {1: None})
    assert converse(talk.negotiate(), {}) == []


def test_questions_after_an_unanswered_one_are_short() -> None:
    talk = dialogue()
    converse(talk.ask_capabilities(), {1: None})
    assert all(asked.timeout_s < 0.5 for asked in converse(talk.ask_state(), {}))


def test_a_reader_that_tells_none_of_its_state_is_asked_once() -> None:
    assert len(converse(dialogue().ask_state(), {2: None})) == 1


def test_outputs_are_switched_off_whoever_left_them_on() -> None:
    talk = dialogue(outputs_left_on=(1,))
    on = tlv(219, struct.pack("!HB", 3, 0x80)) + tlv(219, struct.pack("!HB", 4, 0))
    converse(talk.ask_state(), {2: status() + on})
    assert [request.body for request in converse(talk.outputs_off(), {})] == [
        messages.set_outputs({1: False}),
        messages.set_outputs({3: False}),
    ]


def test_an_inventory_that_runs_already_need_not_be_started() -> None:
    running = status() + tlv(177, struct.pack("!IBB", 1001, 0, 2))
    asked = converse(dialogue().start(), {22: status(100), 26: running})
    assert [request.kind for request in asked] == [22, 26]


def test_every_refusal_of_an_inventory_is_told() -> None:
    with pytest.raises(DeviceLost, match=r"complete: P_UnsupportedParameter.*on all antennas: P_UnsupportedParameter"):
        converse(dialogue().add(), {20: status(209)})


def test_faults_pass_or_stay_until_mended() -> None:
    health = Health()
    health.report("buffer", "overflow", until=10.0)
    health.report("antenna 1", "antenna 1 is disconnected")
    assert health.reason(5.0) == "overflow; antenna 1 is disconnected"
    assert health.reason(10.0) == "antenna 1 is disconnected"
    health.mend("antenna 1")
    assert health.reason(10.0) is None


def test_a_longer_order_is_not_cut_short_by_a_shorter_one() -> None:
    outputs = Outputs()
    outputs.switched(1, 10.0)
    outputs.switched(1, 5.0)
    assert outputs.due(9.0) == []
    assert outputs.due(10.0) == [1]
    outputs.switched(1, None)
    assert outputs.on() == []


def test_a_message_of_ours_has_the_right_header() -> None:
    assert messages.message(22, 7, b"abcd", version=2) == message(22, 7, b"abcd", version=2)
