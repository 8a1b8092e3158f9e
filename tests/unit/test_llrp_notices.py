"""Reader events: each kind, its time, and damage."""

from collections import Counter

import pytest
from llrp_probe import gpi_event, greeting, notice, rospec_event, tlv

from drivers.llrp.notices import (
    AntennaChanged,
    BufferFilling,
    BufferOverflow,
    ConnectionAttempt,
    ConnectionClosed,
    InputChanged,
    Notices,
    ReaderComplaint,
    RospecChanged,
    decode_notices,
)


def told(data: bytes) -> Notices:
    return decode_notices(data[10:], Counter())


@pytest.mark.parametrize(
    ("event", "happening"),
    [
        (gpi_event(3, True), InputChanged(3, True)),
        (gpi_event(3, False), InputChanged(3, False)),
        (rospec_event(0, 9), RospecChanged("start", 9)),
        (rospec_event(1, 9), RospecChanged("end", 9)),
        (rospec_event(2, 9), RospecChanged("preempted", 9)),
        (tlv(250, b"\x50"), BufferFilling(80)),
        (tlv(251), BufferOverflow()),
        (tlv(252, b"\x00\x04oops\x81\x00\x02"), ReaderComplaint("oops")),
        (tlv(255, b"\x01\x00\x02"), AntennaChanged(2, True)),
        (tlv(256, b"\x00\x02"), ConnectionAttempt(2)),
        (tlv(257), ConnectionClosed()),
    ],
)
def test_each_event_is_understood(event: bytes, happening: object) -> None:
    assert told(notice(event)).happenings == (happening,)


def test_the_time_of_an_event_is_told_with_its_kind() -> None:
    assert (told(greeting(at=2.5)).stamp_us, told(greeting()).uptime) == (2_500_000, False)
    assert told(notice(tlv(251), uptime=True)).uptime


def test_a_cut_event_is_counted_and_the_others_come() -> None:
    rejects: Counter[str] = Counter()
    events = decode_notices(notice(tlv(248, b"\x00"), tlv(249, b"\x09" + bytes(8)), tlv(251))[10:], rejects)
    assert events.happenings == (BufferOverflow(),)
    assert rejects == {"bad_notice": 2}


def test_events_of_no_use_are_silent_and_unknown_ones_counted() -> None:
    rejects: Counter[str] = Counter()
    assert decode_notices(notice(tlv(247, b"1234"), tlv(254, b"1234567"), tlv(999))[10:], rejects).happenings == ()
    assert rejects == {"unknown_notice": 1}
