"""Framing: whole messages, torn ones, and streams that cannot be trusted."""

import struct
from collections import Counter

from llrp_probe import message

from drivers.llrp.frames import MAX_MESSAGE_BYTES, Frame, Framer


def test_messages_come_out_in_order_whatever_the_segments() -> None:
    framer = Framer(Counter())
    stream = message(62, 1) + message(61, 2, b"abc")
    assert framer.feed(stream[:13]) == [Frame(62, 1, b"")]
    assert framer.feed(stream[13:]) == [Frame(61, 2, b"abc")]


def test_a_message_cut_by_the_end_of_the_connection_is_counted_once() -> None:
    rejects: Counter[str] = Counter()
    framer = Framer(rejects)
    assert framer.feed(message(61, 2, b"abc")[:-1]) == []
    framer.end()
    assert rejects == {"torn_frame": 1}


def test_a_connection_that_ends_between_messages_is_not_torn() -> None:
    rejects: Counter[str] = Counter()
    framer = Framer(rejects)
    framer.feed(message(62))
    framer.end()
    assert not rejects


def test_an_unknown_version_is_skipped_by_its_length() -> None:
    rejects: Counter[str] = Counter()
    framer = Framer(rejects)
    assert framer.feed(message(61, 1, b"abc", version=6) + message(62, 2)) == [Frame(62, 2, b"")]
    assert rejects == {"wrong_version": 1}


def test_an_absurd_length_ends_the_stream() -> None:
    for length in (0, 9, MAX_MESSAGE_BYTES + 1, 0xFFFFFFFF):
        rejects: Counter[str] = Counter()
        framer = Framer(rejects)
        assert framer.feed(message(62, 1) + struct.pack("!HII", 0x043E, length, 2) + message(62, 3)) == [Frame(62, 1, b"")]
        assert framer.fault == "absurd_length"
        assert rejects == {"absurd_length": 1}
        assert framer.feed(message(62, 4)) == []


def test_set_reserved_bits_end_the_stream() -> None:
    framer = Framer(Counter())
    framer.feed(b"\xff" * 10)
    assert framer.fault == "garbled_header"
