"""From the reader to the box: wrong clocks, slow links, reports that come twice or late."""

from random import Random

import pytest

from rfidguard.events import Read
from simulators.delivery import Delivery, delivered

READS = [Read(at=1000.0 + 0.1 * n, gate="g", reader="r", antenna=1, epc="3034", rssi_dbm=-50.0) for n in range(1000)]


def test_reads_of_a_slow_link_carry_when_they_were_heard() -> None:
    found = list(delivered(READS, Delivery(clock_error_s=-0.1, latency_s=0.25), 1000.0, Random(1)))
    assert [read.received - read.at for read in found] == pytest.approx([0.35] * len(READS))


def test_a_plain_link_changes_nothing() -> None:
    assert list(delivered(READS, Delivery(), 1000.0, Random(1))) == READS


def test_a_clock_drifts_from_the_start_on() -> None:
    found = list(delivered(READS, Delivery(clock_drift_ppm=100.0), 1000.0, Random(1)))
    assert found[0].at == 1000.0
    assert found[-1].at - READS[-1].at == pytest.approx(99.9 * 100e-6, abs=1e-6)


def test_shares_of_the_reads_come_twice_or_late() -> None:
    found = list(delivered(READS, Delivery(duplicates=0.2, late_share=0.1, late_s=5.0), 1000.0, Random(1)))
    late = [read.received - read.at for read in found if read.received is not None]
    assert 1150 < len(found) < 1250
    assert 80 < len(late) < 170
    assert max(late) > 3.0
