"""Reports: fields, units, absent parameters, and damage that stays where it is."""

from collections import Counter
from math import pi

import pytest
from llrp_probe import tag, tlv, tv, vendor

from drivers.llrp.report import ReportDecoder, Tag

EPC = "30340000000000000000ABCD"
BYTES = bytes.fromhex(EPC)


def decode(*tags: bytes, decoder: ReportDecoder | None = None) -> list[Tag]:
    return (decoder or ReportDecoder(Counter())).decode(b"".join(tags))


def test_every_field_arrives_in_its_unit() -> None:
    extra = vendor(57, "h", -5123) + vendor(56, "H", 2048) + vendor(68, "h", -16)
    (read,) = decode(tag(EPC, antenna=3, at=1.5, extra=extra))
    assert read == Tag(EPC, 3, -51.23, 7, 1_500_000, False, 1, pytest.approx(pi), -1.0, None)


def test_a_long_epc_is_read_to_its_bit_count() -> None:
    data = tlv(241, b"\x00\x80" + bytes(range(16)))
    (read,) = decode(tlv(240, data + tv(1, "H", 1)))
    assert read.epc == bytes(range(16)).hex().upper()


def test_the_tid_is_read() -> None:
    data = tlv(1023, bytes.fromhex("0000651A 00000037 0002 E2801105"))
    assert decode(tag(EPC, extra=data))[0].tid == "E2801105"


def test_the_last_time_seen_counts() -> None:
    (read,) = decode(tlv(240, tv(13, "12s", BYTES) + tv(2, "Q", 100) + tv(4, "Q", 900) + tv(8, "H", 4)))
    assert (read.stamp_us, read.seen) == (900, 4)


def test_uptime_is_told_from_utc() -> None:
    (read,) = decode(tlv(240, tv(13, "12s", BYTES) + tv(3, "Q", 100) + tv(5, "Q", 900)))
    assert (read.stamp_us, read.uptime) == (900, True)


def test_a_clock_at_zero_is_no_clock() -> None:
    assert decode(tag(EPC, at=0.0))[0].stamp_us is None


def test_an_absent_parameter_equals_its_last_value() -> None:
    decoder = ReportDecoder(Counter())
    decode(tag(EPC, antenna=2, at=7.0, rssi=-41), decoder=decoder)
    for _ in range(2):
        (read,) = decode(tlv(240, tv(13, "12s", BYTES) + tv(4, "Q", 8_000_000)), decoder=decoder)
        assert (read.antenna, read.rssi_dbm, read.channel, read.stamp_us) == (2, -41, 7, 8_000_000)


def test_an_absent_impinj_parameter_is_absent() -> None:
    decoder = ReportDecoder(Counter())
    decode(tag(EPC, extra=vendor(56, "H", 1) + vendor(57, "h", -4000)), decoder=decoder)
    (read,) = decode(tag(EPC, rssi=-70), decoder=decoder)
    assert (read.phase_rad, read.rssi_dbm) == (None, -70)


def test_a_damaged_tag_borrows_nothing_from_the_last_one() -> None:
    decoder = ReportDecoder(Counter())
    decode(tag(EPC, antenna=2), decoder=decoder)
    (read,) = decode(tlv(240, tv(13, "12s", BYTES) + b"\xf0"), decoder=decoder)
    assert read.antenna is None


@pytest.mark.parametrize("size", [0, 1, 2, 7, 16])
def test_an_unknown_short_parameter_is_skipped_where_only_one_size_fits(size: int) -> None:
    rejects: Counter[str] = Counter()
    whole = tag(EPC, antenna=2, rssi=-60, extra=vendor(56, "H", 1024))[4:]
    odd = tlv(240, whole[:13] + b"\xe4" + bytes(range(size)) + whole[13:])
    for _ in range(2):
        (read,) = decode(odd, decoder=ReportDecoder(rejects))
        assert (read.antenna, read.rssi_dbm, read.channel, read.phase_rad) == (2, -60, 7, pytest.approx(pi / 2))
    assert rejects == {"unknown_tv": 2}


def test_an_unknown_short_parameter_in_an_incomplete_tag_ends_it() -> None:
    rejects: Counter[str] = Counter()
    odd = tlv(240, tv(13, "12s", BYTES) + tv(6, "b", -60) + b"\xe4\x01\x02" + tv(1, "H", 2))
    (read,) = decode(odd, decoder=ReportDecoder(rejects))
    assert (read.antenna, read.rssi_dbm) == (None, -60)
    assert rejects == {"unknown_tv": 1}


def test_an_unknown_parameter_with_a_length_is_skipped_and_counted() -> None:
    rejects: Counter[str] = Counter()
    decoder = ReportDecoder(rejects)
    odd = tag(EPC, extra=tlv(700, b"12345") + tlv(1023, b"\0\0\0\x01\0\0\0\x02xyz") + vendor(56, "H", 1024))
    for _ in range(3):
        assert decode(odd, odd, decoder=decoder)[1].phase_rad == pytest.approx(pi / 2)
    assert rejects == {"unknown_tlv": 6}


def test_a_tag_without_an_epc_is_counted() -> None:
    rejects: Counter[str] = Counter()
    assert decode(tlv(240, tv(1, "H", 1)), tag(EPC), decoder=ReportDecoder(rejects))[0].epc == EPC
    assert rejects == {"tag_without_epc": 1}


def test_a_tag_longer_than_its_report_is_counted() -> None:
    rejects: Counter[str] = Counter()
    assert [read.epc for read in ReportDecoder(rejects).decode(tag(EPC) + tag(EPC)[:-1])] == [EPC]
    assert rejects == {"cut_parameter": 1}


def test_survey_results_beside_tags_are_nothing_odd() -> None:
    rejects: Counter[str] = Counter()
    assert len(ReportDecoder(rejects).decode(tlv(242, b"12") + tag(EPC) + tlv(1023, b"12345678"))) == 1
    assert not rejects


def test_a_report_of_many_tags_is_read_whole() -> None:
    decoder = ReportDecoder(Counter())
    epcs = [f"{number:024X}" for number in range(1, 1001)]
    for _ in range(2):
        assert [read.epc for read in decode(*(tag(epc) for epc in epcs), decoder=decoder)] == epcs
