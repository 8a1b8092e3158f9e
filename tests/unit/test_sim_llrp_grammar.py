"""The simulated reader's strict decoder: whatever bytes a client sends, it answers with a status and never breaks."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llrp_client import (
    accessspec,
    aispec,
    events,
    gpi,
    gpi_value,
    gpo,
    hold,
    keepalive,
    periodic,
    report,
    rospec,
    tags_value,
    tlv,
)

from simulators.llrp_reader.grammar import parse_message
from simulators.llrp_reader.numbers import Message, Status
from simulators.llrp_reader.profile import IMPINJ_PROFILE
from simulators.llrp_reader.refusal import Refusal, status
from simulators.llrp_reader.rospec import rospec_of
from simulators.llrp_reader.select import Select, is_meant
from simulators.llrp_reader.settings import Settings, answer, apply
from simulators.llrp_reader.wire import BrokenStream, Frames, message

FILTER = tlv(331, b"\0", tlv(332, struct.pack(">BHHB", 0x40, 32, 8, 0x30)), tlv(334, b"\0"))
ANTENNA = tlv(222, b"\0\1", tlv(223, b"\0\1"), tlv(224, b"\0\1\0\1\0\5"), tlv(330, b"\0", FILTER, tlv(335, b"\0\0\0\0")))
VALID = {
    Message.ADD_ROSPEC: rospec(
        1,
        aispec(1, 2, stop=(3, 0, tags_value(0, 3))),
        aispec(0, stop=(2, 0, gpi_value(1, True, 5))),
        start=(2, periodic(10, 20)),
        stop=(2, 0, gpi_value(1, False)),
        reporting=report(2, 5),
    ),
    Message.ADD_ACCESSSPEC: accessspec(3),
    Message.SET_READER_CONFIG: b"\0" + events(1, 8) + ANTENNA + report() + keepalive(100) + gpo(1, True) + gpi(2) + hold(),
    Message.GET_READER_CONFIG: bytes(7),
    Message.GET_READER_CAPABILITIES: b"\0",
    Message.DELETE_ROSPEC: bytes(4),
}


def served(kind: Message, body: bytes) -> Status:
    """The status with which a message is answered."""
    settings = Settings(IMPINJ_PROFILE)
    try:
        parsed = parse_message(kind, body)
        if kind == Message.ADD_ROSPEC:
            rospec_of(parsed.children[0], settings.spoken)
        elif kind == Message.SET_READER_CONFIG:
            apply(settings, parsed)
        elif kind == Message.GET_READER_CONFIG:
            answer(settings, parsed)
    except Refusal as refusal:
        return Status(int.from_bytes(status(refusal)[4:6]))
    return Status.SUCCESS


@pytest.mark.parametrize("kind", VALID)
def test_a_right_message_is_accepted(kind: Message) -> None:
    assert served(kind, VALID[kind]) == Status.SUCCESS


@given(kind=st.sampled_from(list(VALID)), where=st.floats(0, 1), flip=st.integers(1, 255), cut=st.integers(0, 40))
def test_a_damaged_message_gets_a_status(kind: Message, where: float, flip: int, cut: int) -> None:
    body = bytearray(VALID[kind])
    body[int(where * (len(body) - 1))] ^= flip
    assert served(kind, bytes(body[: len(body) - cut])) in set(Status)


@given(kind=st.sampled_from(list(VALID)), body=st.binary(max_size=80))
def test_any_bytes_get_a_status(kind: Message, body: bytes) -> None:
    assert served(kind, body) in set(Status)


@given(
    bodies=st.lists(st.tuples(st.integers(0, 1023), st.binary(max_size=30)), max_size=5),
    cuts=st.lists(st.integers(1, 20), min_size=1, max_size=30),
)
def test_messages_come_out_of_a_stream_as_they_went_in(bodies: list[tuple[int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(message(kind, number, body) for number, (kind, body) in enumerate(bodies))
    frames, got = Frames(), []
    for cut in [*cuts, len(stream)]:
        got += frames.feed(stream[:cut])
        stream = stream[cut:]
    assert [(frame.kind, frame.body) for frame in got] == bodies


@pytest.mark.parametrize("length", [0, 9, 2_000_000])
def test_an_impossible_length_breaks_the_stream(length: int) -> None:
    with pytest.raises(BrokenStream):
        Frames().feed(struct.pack(">HII", 0x400, length, 1))


@pytest.mark.parametrize(
    ("action", "matching", "other"),
    [(0, True, False), (1, True, False), (2, True, False), (3, False, True), (4, False, True), (5, False, True)],
)
def test_a_filter_chooses_by_its_action(action: int, matching: bool, other: bool) -> None:
    selects = {0: (Select(1, 32, "0011", action),)}
    assert [is_meant(selects, 1, bytes((first,)) * 12, None) for first in (0x30, 0xC0)] == [matching, other]


def test_filters_of_one_antenna_do_not_touch_another() -> None:
    selects = {2: (Select(1, 32, "1111", 0),)}
    assert [is_meant(selects, antenna, bytes(12), None) for antenna in (1, 2)] == [True, False]
