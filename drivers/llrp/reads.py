"""From decoded tags to reads: antenna to gate, units, reader time to ours. By columns where a report is even, else tag by tag."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

from drivers.llrp.layout import Columns
from drivers.llrp.parameters import (
    ANTENNA,
    CHANNEL,
    COUNT,
    DOPPLER,
    EPC,
    FINE_RSSI,
    FIRST_UTC,
    LAST_UTC,
    PHASE,
    RSSI,
    TID,
)
from drivers.llrp.reader_clock import ReaderClock
from drivers.llrp.report import RAD_PER_UNIT, Tag
from rfidguard.driver import AntennaPlace
from rfidguard.events import Read

NO_RSSI_DBM = -128.0
"""Stands for "the reader did not say": the least that LLRP's own field can hold."""

KNOWN_EPCS = 20_000
"""Texts of EPCs kept: a busy gate has some hundreds in view. Some 3 MB."""

_PHASES = tuple(unit * RAD_PER_UNIT for unit in range(4096))


class Reads:
    """Makes the reads of the reader `device`. Tags of antennas that belong to no gate are counted in `rejects`."""

    def __init__(self, device: str, places: Mapping[int, AntennaPlace], rejects: Counter[str]) -> None:
        self._device = device
        self._gates = {antenna: place.gate for antenna, place in places.items()}
        self._rejects = rejects
        self._texts: dict[bytes, str] = {}

    def stamps(self, columns: Columns) -> Sequence[int] | None:
        """Each tag's time (UTC microseconds) where the report is even: all tags say where, how loud and when they were heard."""
        antennas, counts = columns[ANTENNA], columns[COUNT]
        if not antennas or not self._gates.keys() >= set(antennas):
            return None
        if not (columns[RSSI] or columns[FINE_RSSI]) or 0 in counts:
            return None
        first, last = columns[FIRST_UTC], columns[LAST_UTC]
        latest = last if not first or first == last else first if not last else tuple(map(max, first, last))
        return None if not latest or 0 in latest else latest

    def of_columns(self, columns: Columns, dated: Sequence[float], received: float) -> list[Read]:
        """The reads of an even report; `dated`: when each happened."""
        antennas: Sequence[int] = columns[ANTENNA]
        fine, phases, dopplers, tids = columns[FINE_RSSI], columns[PHASE], columns[DOPPLER], columns[TID]
        return [
            Read(
                at=at,
                received=None if at == received else received,
                gate=gate,
                reader=self._device,
                antenna=antenna,
                epc=epc,
                rssi_dbm=rssi,
                phase_rad=phase,
                doppler_hz=doppler,
                channel=channel,
                count=count,
                tid=tid,
            )
            for at, gate, antenna, epc, rssi, phase, doppler, channel, count, tid in zip(
                dated,
                [self._gates[antenna] for antenna in antennas],
                antennas,
                self._named(columns[EPC]),
                [level / 100 for level in fine] or map(float, columns[RSSI]),
                [_PHASES[phase & 0xFFF] for phase in phases] or _NONE,
                [doppler / 16 for doppler in dopplers] or _NONE,
                columns[CHANNEL] or _NONE,
                columns[COUNT] or _ONE,
                [tid.hex().upper() if tid else None for tid in tids] or _NONE,
                strict=False,
            )
        ]

    def of_tags(self, tags: Sequence[Tag], clocks: Mapping[bool, ReaderClock], received: float) -> list[Read]:
        """The reads of any tags, those that no gate can use left out. `clocks`: one for each value of `Tag.uptime`."""
        reads = (self._of_tag(tag, clocks[tag.uptime], received) for tag in tags)
        return [read for read in reads if read is not None]

    def _of_tag(self, tag: Tag, clock: ReaderClock, received: float) -> Read | None:
        antenna = tag.antenna
        if antenna is None and len(self._gates) == 1:
            (antenna,) = self._gates
        gate = self._gates.get(antenna) if antenna is not None else None
        if antenna is None or gate is None:
            self._rejects["read_without_antenna" if antenna is None else "antenna_not_configured"] += 1
            return None
        if tag.rssi_dbm is None:
            self._rejects["read_without_rssi"] += 1
        if tag.stamp_us is None:
            self._rejects["read_without_time"] += 1
            at = received
        else:
            (at,) = clock.dates((tag.stamp_us,), received)
        return Read(
            at=at,
            received=None if at == received else received,
            gate=gate,
            reader=self._device,
            antenna=antenna,
            epc=tag.epc,
            rssi_dbm=NO_RSSI_DBM if tag.rssi_dbm is None else float(tag.rssi_dbm),
            phase_rad=tag.phase_rad,
            doppler_hz=tag.doppler_hz,
            channel=tag.channel,
            count=tag.seen,
            tid=tag.tid,
        )

    def _named(self, epcs: Sequence[bytes]) -> list[str]:
        """EPCs as text. The same tags come again and again: each text is made once, and shared by its reads."""
        try:
            return [self._texts[epc] for epc in epcs]
        except KeyError:
            if len(self._texts) + len(epcs) > KNOWN_EPCS:
                self._texts.clear()
            return [self._texts.setdefault(epc, epc.hex().upper()) for epc in epcs]


_NONE = repeat(None)
_ONE: Any = repeat(1)
