"""LLRP bytes of any kind: nothing raises, nothing is lost, and three decoders agree."""

import logging
import struct
from collections import Counter
from itertools import pairwise

import pytest
from hand_clock import HandClock
from hypothesis import given
from hypothesis import strategies as st
from llrp_probe import message, tag, tlv, tv, vendor

from drivers.llrp import messages
from drivers.llrp.capabilities import capabilities_from, state_from
from drivers.llrp.control import Control
from drivers.llrp.frames import Frame, Framer
from drivers.llrp.hearing import Hearing
from drivers.llrp.notices import decode_notices
from drivers.llrp.reader_clock import ReaderClock
from drivers.llrp.reads import Reads
from drivers.llrp.report import ReportDecoder, Tag, tags_of
from rfidguard.driver import AntennaPlace
from rfidguard.events import Read, ReadBatch
from rfidguard.journal import encode_line

logging.getLogger("sllurp").setLevel(logging.CRITICAL)

U16 = st.integers(0, 0xFFFF)
U64 = st.integers(1, 2**63)
Values = dict[str, st.SearchStrategy[bytes]]
VALUES: Values = {
    "epc96": st.binary(min_size=12, max_size=12).map(lambda value: tv(13, "12s", value)),
    "epc": st.integers(1, 31)
    .flatmap(lambda words: st.binary(min_size=words * 2, max_size=words * 2))
    .map(lambda value: tlv(241, struct.pack("!H", len(value) * 8) + value)),
    "antenna": U16.map(lambda value: tv(1, "H", value)),
    "rssi": st.integers(-128, 127).map(lambda value: tv(6, "b", value)),
    "channel": U16.map(lambda value: tv(7, "H", value)),
    "first": U64.map(lambda value: tv(2, "Q", value)),
    "last": U64.map(lambda value: tv(4, "Q", value)),
    "first_up": U64.map(lambda value: tv(3, "Q", value)),
    "last_up": U64.map(lambda value: tv(5, "Q", value)),
    "count": st.integers(1, 0xFFFF).map(lambda value: tv(8, "H", value)),
    "rospec": st.integers(0, 2**32 - 1).map(lambda value: tv(9, "I", value)),
    "pc": U16.map(lambda value: tv(12, "H", value)),
    "crc": U16.map(lambda value: tv(11, "H", value)),
    "phase": st.integers(0, 4095).map(lambda value: vendor(56, "H", value)),
    "fine": st.integers(-32768, 32767).map(lambda value: vendor(57, "h", value)),
    "doppler": st.integers(-32768, 32767).map(lambda value: vendor(68, "h", value)),
    "other_maker": st.binary(max_size=9).map(lambda value: tlv(1023, struct.pack("!II", 161, 7) + value)),
    "unknown": st.binary(max_size=9).map(lambda value: tlv(700, value)),
}
OPTIONAL = sorted(VALUES.keys() - {"epc", "epc96"})


@st.composite
def layouts(draw: st.DrawFn) -> list[str]:
    """Which parameters, in which order; exactly one EPC."""
    chosen = draw(st.lists(st.sampled_from(OPTIONAL), unique=True))
    return draw(st.permutations([draw(st.sampled_from(["epc", "epc96"])), *chosen]))


@st.composite
def reports(draw: st.DrawFn, layout: list[str], values: Values = VALUES) -> bytes:
    count = draw(st.integers(1, 5))
    return b"".join(tlv(240, b"".join(draw(values[name]) for name in layout)) for _ in range(count))


SESSIONS = st.lists(layouts(), min_size=1, max_size=3).flatmap(
    lambda made: st.lists(st.sampled_from(made).flatmap(lambda layout: reports(layout)), min_size=1, max_size=6)
)
"""Reports of one session: few layouts, each coming again and again."""


MIXED = st.lists(layouts(), min_size=1, max_size=3).flatmap(
    lambda made: st.lists(
        st.lists(st.sampled_from(made).flatmap(lambda layout: reports(layout)), min_size=1, max_size=4).map(b"".join),
        min_size=1,
        max_size=4,
    )
)
"""The same with several layouts in one report."""

PLACES = {antenna: AntennaPlace("front" if antenna % 2 else "side", "inside") for antenna in range(1, 9)}
TIMES = {"first": 2, "last": 4, "first_up": 3, "last_up": 5}
AT_A_GATE: Values = {
    **VALUES,
    "antenna": st.integers(1, 9).map(lambda value: tv(1, "H", value)),
    "count": st.integers(0, 3).map(lambda value: tv(8, "H", value)),
    **{name: st.integers(0, 2**50).map(lambda value, kind=kind: tv(kind, "Q", value)) for name, kind in TIMES.items()},
}


@given(SESSIONS | MIXED)
def test_the_learnt_layout_reads_what_the_walker_reads(session: list[bytes]) -> None:
    fast, slow = Counter[str](), Counter[str]()
    learning, walking = ReportDecoder(fast), ReportDecoder(slow, learning=False)
    for body in session:
        assert learning.decode(body) == walking.decode(body)
    assert fast == slow


@given(
    st.permutations(sorted(VALUES.keys() - {"epc", "other_maker", "unknown"})).flatmap(
        lambda names: st.lists(reports(names), min_size=2, max_size=4)
    )
)
def test_a_layout_that_was_met_is_read_by_columns(session: list[bytes]) -> None:
    decoder = ReportDecoder(Counter())
    decoder.decode(session[0])
    assert all(decoder.columns(body) is not None for body in session)


@given(layouts().flatmap(lambda layout: st.lists(reports(layout), min_size=1, max_size=3)))
def test_sllurp_reads_the_same(session: list[bytes]) -> None:
    """Each report twice: first by the walker, then by the layout learnt from it."""
    for decoder in (ReportDecoder(Counter()), ReportDecoder(Counter(), learning=False)):
        for body in (*session, *session):
            decoded = Control(Counter()).decode("RO_ACCESS_REPORT", Frame(61, 1, body))
            assert decoded is not None
            assert [bare(tag) for tag in decoder.decode(body)] == [theirs(tag) for tag in decoded["TagReportData"]]


@given(MIXED)
def test_sllurp_reads_the_same_of_mixed_reports(session: list[bytes]) -> None:
    decoder = ReportDecoder(Counter())
    filled = Filled()
    for body in (*session, *session):
        decoded = Control(Counter()).decode("RO_ACCESS_REPORT", Frame(61, 1, body))
        assert decoded is not None
        assert [bare(tag) for tag in decoder.decode(body)] == [theirs(filled(tag)) for tag in decoded["TagReportData"]]


class Filled:
    """What sllurp leaves to its user: an enabled parameter that is absent equals its last value, Impinj's are sent anew."""

    def __init__(self) -> None:
        self.last: dict[str, object] = {}

    def __call__(self, tag: dict[str, object]) -> dict[str, object]:
        tag = {**self.last, **tag}
        self.last = {name: value for name, value in tag.items() if not name.startswith(("EPC", "Impinj"))}
        return tag


@given(
    st.lists(layouts(), min_size=1, max_size=2).flatmap(
        lambda made: st.lists(
            st.lists(st.sampled_from(made).flatmap(lambda layout: reports(layout, AT_A_GATE)), min_size=1, max_size=3).map(
                b"".join
            ),
            min_size=1,
            max_size=6,
        )
    )
)
def test_the_fast_way_makes_the_reads_of_the_general_one(session: list[bytes]) -> None:
    received = 1_790_000_000.0
    clocks = {False: ReaderClock(), True: ReaderClock()}
    for clock in clocks.values():
        clock.hear(1e9, received)
    fast, slow = Counter[str](), Counter[str]()
    learning, walking = ReportDecoder(fast), ReportDecoder(slow, learning=False)
    quick, plain = Reads("front-1", PLACES, fast), Reads("front-1", PLACES, slow)
    for body in session:
        groups = learning.groups(body)
        got: list[Read] = []
        if groups is None:
            got = quick.of_tags(learning.decode(body), clocks, received)
        for columns in groups or ():
            stamps = quick.stamps(columns)
            if stamps is None:
                got += quick.of_tags(tags_of(columns), clocks, received)
            else:
                got += quick.of_columns(columns, clocks[False].dates(stamps, received), received)
        expected = plain.of_tags(walking.decode(body), clocks, received)
        assert sorted(map(encode_line, got)) == sorted(map(encode_line, expected))
    assert fast == slow


def test_reports_that_came_together_are_one_batch_of_the_reads_they_give_alone() -> None:
    frames = [Frame(61, number, tag(f"{number % 7:024X}", antenna=number % 3, at=3.0 - number / 100)) for number in range(200)]
    frames.insert(90, Frame(61, 0, tag("ABCD" * 6, at=1.0, extra=vendor(56, "H", 9))[:-1]))
    together, alone = Ears(), Ears()
    for frame in frames:
        together.hearing.hear(frame, 1000.0)
        alone.hearing.hear(frame, 1000.0)
        alone.hearing.settled()
    together.hearing.settled()
    assert [read for batch in together.batches for read in batch.reads] == [
        read for batch in alone.batches for read in batch.reads
    ]
    assert together.rejects == alone.rejects
    assert len(together.batches) == 1


class Ears:
    """A hearing and what it said."""

    def __init__(self) -> None:
        self.batches: list[ReadBatch] = []
        self.rejects: Counter[str] = Counter()
        self.hearing = Hearing("front-1", {1: PLACES[1]}, HandClock(1000.0), self._hear, self.rejects, {})

    def _hear(self, item: object) -> None:
        assert isinstance(item, ReadBatch)
        self.batches.append(item)


@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=5), st.floats(0, 2e9), st.floats(0, 10))
def test_many_reads_are_dated_as_one_is(stamps: list[int], start: float, later: float) -> None:
    clock = ReaderClock()
    clock.hear(min(stamps) / 1e6, start)
    many = clock.dates(stamps, start + later)
    assert many == pytest.approx([clock.at(stamp / 1e6, start + later) for stamp in stamps], abs=3e-6)
    assert all(at <= start + later for at in many)


def bare(tag: Tag) -> tuple[object, ...]:
    phase = None if tag.phase_rad is None else round(tag.phase_rad * 4096 / 6.283185307179586)
    return tag.epc, tag.antenna, tag.rssi_dbm, tag.channel, tag.stamp_us, tag.seen, phase, tag.doppler_hz


def theirs(tag: dict[str, object]) -> tuple[object, ...]:
    fine, doppler = tag.get("ImpinjPeakRSSI"), tag.get("ImpinjRFDopplerFrequency")
    utc = [tag.get(name, 0) for name in ("FirstSeenTimestampUTC", "LastSeenTimestampUTC")]
    up = [tag.get(name, 0) for name in ("FirstSeenTimestampUptime", "LastSeenTimestampUptime")]
    return (
        tag["EPC"].decode().upper(),
        tag.get("AntennaID"),
        tag.get("PeakRSSI") if fine is None else fine / 100,
        tag.get("ChannelIndex"),
        max(utc) or max(up) or None,
        tag.get("TagSeenCount", 1),
        tag.get("ImpinjRFPhaseAngle"),
        None if doppler is None else doppler / 16,
    )


@given(st.lists(st.binary(max_size=120), max_size=5))
def test_arbitrary_bytes_give_tags_or_counted_reasons(bodies: list[bytes]) -> None:
    rejects: Counter[str] = Counter()
    decoder = ReportDecoder(rejects)
    for body in bodies:
        before = rejects.total()
        tags = decoder.decode(body)
        assert tags or not body or rejects.total() > before or only_quiet(body)


def only_quiet(body: bytes) -> bool:
    return struct.unpack_from("!H", body)[0] & 0x3FF in (242, 1023)


@given(SESSIONS, st.data())
def test_one_wrong_byte_never_raises_and_fast_and_slow_agree(session: list[bytes], data: st.DataObject) -> None:
    fast, slow = ReportDecoder(Counter()), ReportDecoder(Counter(), learning=False)
    for body in session:
        place = data.draw(st.integers(0, len(body) - 1))
        broken = body[:place] + bytes([data.draw(st.integers(0, 255))]) + body[place + 1 :]
        assert fast.decode(broken) == slow.decode(broken)


@given(st.binary(max_size=200))
def test_no_notification_raises(body: bytes) -> None:
    decode_notices(body, Counter())
    decode_notices(tlv(246, body), Counter())


@given(st.sampled_from(["GET_READER_CAPABILITIES_RESPONSE", "GET_READER_CONFIG_RESPONSE"]), st.binary(max_size=200))
def test_no_answer_raises(name: str, body: bytes) -> None:
    frame = Frame(11, 1, tlv(287, b"\0\0\0\0") + body)
    decoded = Control(Counter()).decode(name, frame)
    if decoded is not None:
        capabilities_from(decoded)
        state_from(decoded)
    for read in (messages.status_of, messages.rospecs_in, messages.outputs_in, messages.supported_version):
        read(Frame(11, 1, body))


MESSAGES = st.lists(st.tuples(st.integers(0, 1023), st.integers(0, 2**32 - 1), st.binary(max_size=50)), max_size=8)


@given(MESSAGES, st.data())
def test_framing_does_not_depend_on_the_splits(sent: list[tuple[int, int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(message(kind, number, body) for kind, number, body in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    framer = Framer(Counter())
    got = [frame for start, end in pairwise([0, *cuts, len(stream)]) for frame in framer.feed(stream[start:end])]
    assert got == [Frame(kind, number, body) for kind, number, body in sent]


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_stream_makes_the_framer_raise(pieces: list[bytes]) -> None:
    rejects: Counter[str] = Counter()
    framer = Framer(rejects)
    for piece in pieces:
        framer.feed(piece)
    framer.end()
    assert framer.fault is None or rejects[framer.fault] == 1


@pytest.mark.parametrize("count", [1, 256, 257, 1000])
def test_reports_of_any_size_keep_every_tag(count: int) -> None:
    decoder = ReportDecoder(Counter())
    body = b"".join(tlv(240, tv(13, "12s", number.to_bytes(12, "big")) + tv(1, "H", 1)) for number in range(1, count + 1))
    assert decoder.decode(body) == decoder.decode(body)
    assert len(decoder.decode(body)) == count
