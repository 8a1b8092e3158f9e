"""Decodes LLRP reports with one decoder, for decode.py: `PYTHON decode_worker.py NAME CASES`, in the decoder's own environment.

CASES is a JSON file of {case: [message in hex]}. For each line on standard input, one on standard output: `time CASE` is
answered with seconds of CPU, `fields CASE` with what each tag said: EPC, antenna, dBm, channel, first and last seen (µs),
count, and phase in 1/4096 turn. A decoder that does not tell a field gives null.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Decode = Callable[[list[bytes]], Any]
Fields = list[list[Any]]


def sllurp() -> tuple[Decode, Callable[[bytes], Fields]]:
    from sllurp.llrp import LLRPMessage

    def decode(messages: list[bytes]) -> None:
        for message in messages:
            LLRPMessage(msgbytes=message)

    def fields(message: bytes) -> Fields:
        tags = LLRPMessage(msgbytes=message).msgdict["RO_ACCESS_REPORT"]["TagReportData"]
        times = ("FirstSeenTimestampUTC", "LastSeenTimestampUTC", "TagSeenCount", "ImpinjRFPhaseAngle")
        return [
            [tag["EPC"].decode().upper(), tag["AntennaID"], _dbm(tag.get("ImpinjPeakRSSI"), tag["PeakRSSI"]), tag["ChannelIndex"]]
            + [tag.get(name) for name in times]
            for tag in tags
        ]

    return decode, fields


def llrpkit() -> tuple[Decode, Callable[[bytes], Fields]]:
    from llrpkit.inventory import TagReport
    from llrpkit.protocol.codec import decode_message

    def tags(message: bytes) -> list[Any]:
        return [TagReport.from_param(tag) for tag in decode_message(message).tag_report_datas]

    def decode(messages: list[bytes]) -> None:
        for message in messages:
            tags(message)

    def fields(message: bytes) -> Fields:
        return [
            [
                tag.epc_hex.upper(),
                tag.antenna,
                tag.rssi_dbm,
                tag.channel_index,
                tag.first_seen_us,
                tag.last_seen_us,
                tag.seen_count,
                _units(tag.phase_deg, 360),
            ]
            for tag in tags(message)
        ]

    return decode, fields


def pyllrp() -> tuple[Decode, Callable[[bytes], Fields]]:
    import bitstring
    from pyllrp.pyllrp import UnpackMessage

    def decode(messages: list[bytes]) -> None:
        for message in messages:
            UnpackMessage(bitstring.ConstBitStream(bytes=message)).getTagData()

    def fields(message: bytes) -> Fields:
        tags = UnpackMessage(bitstring.ConstBitStream(bytes=message)).getTagData()
        return [
            [_text(tag["EPC"]), tag["AntennaID"], None, None, tag["Timestamp"], None, tag["TagSeenCount"], None] for tag in tags
        ]

    return decode, fields


def rfidguard() -> tuple[Decode, Callable[[bytes], Fields]]:
    """Bytes to columns of fields: what the others' decoders give."""
    from collections import Counter

    from drivers.llrp.frames import Framer
    from drivers.llrp.parameters import ANTENNA, CHANNEL, COUNT, EPC, FINE_RSSI, FIRST_UTC, LAST_UTC, PHASE, RSSI
    from drivers.llrp.report import ReportDecoder

    framer, decoder = Framer(Counter()), ReportDecoder(Counter())

    def decode(messages: list[bytes]) -> None:
        for message in messages:
            for frame in framer.feed(message):
                if decoder.groups(frame.body) is None:
                    decoder.decode(frame.body)

    def fields(message: bytes) -> Fields:
        (frame,) = framer.feed(message)
        columns = decoder.columns(frame.body)
        if columns is None:
            return [
                [
                    tag.epc,
                    tag.antenna,
                    tag.rssi_dbm,
                    tag.channel,
                    None,
                    tag.stamp_us,
                    tag.seen,
                    _units(tag.phase_rad, TURN_RAD),
                ]
                for tag in decoder.decode(frame.body)
            ]
        rows = zip(*(column or (None,) * len(columns[EPC]) for column in columns), strict=True)
        return [
            [
                row[EPC].hex().upper(),
                row[ANTENNA],
                _dbm(row[FINE_RSSI], row[RSSI]),
                row[CHANNEL],
                row[FIRST_UTC],
                row[LAST_UTC],
                row[COUNT],
                row[PHASE],
            ]
            for row in rows
        ]

    return decode, fields


def rfidguard_reads() -> tuple[Decode, Callable[[bytes], Fields]]:
    """Bytes to the read events that go to the core, every report by itself."""
    from collections import Counter

    from drivers.llrp.frames import Framer
    from drivers.llrp.hearing import Hearing
    from rfidguard.clock import SystemClock
    from rfidguard.driver import AntennaPlace

    heard: list[Any] = []
    places = {antenna: AntennaPlace("front", "inside" if antenna % 2 else "outside") for antenna in (1, 2)}
    hearing = Hearing("front-1", places, SystemClock(), heard.append, Counter(), {})
    framer = Framer(Counter())

    def decode(messages: list[bytes]) -> None:
        for message in messages:
            for frame in framer.feed(message):
                hearing.hear(frame, LATER)
            hearing.settled()
        heard.clear()

    def fields(message: bytes) -> Fields:
        decode([])
        for frame in framer.feed(message):
            hearing.hear(frame, LATER)
        hearing.settled()
        return [
            [
                read.epc,
                read.antenna,
                read.rssi_dbm,
                read.channel,
                None,
                None,
                read.count,
                _units(read.phase_rad, TURN_RAD),
            ]
            for batch in heard
            for read in batch.reads
        ]

    return decode, fields


LATER = 1_790_000_100.0
"""When the messages are said to have come."""

TURN_RAD = 2 * math.pi

DECODERS = {
    "rfidguard": rfidguard,
    "rfidguard, to read events": rfidguard_reads,
    "sllurp": sllurp,
    "llrpkit": llrpkit,
    "pyllrp": pyllrp,
}


def _dbm(fine: int | None, plain: int) -> float:
    return plain if fine is None else fine / 100


def _units(phase: float | None, turn: float) -> int | None:
    return None if phase is None else round(phase * 4096 / turn)


def _text(epc: int | bytes) -> str:
    return f"{epc:X}" if isinstance(epc, int) else bytes(epc).hex().upper()


def main() -> None:
    name, path = sys.argv[1:]
    cases = {case: [bytes.fromhex(text) for text in texts] for case, texts in json.loads(Path(path).read_text()).items()}
    decode, fields = DECODERS[name]()
    for line in sys.stdin:
        what, _, case = line.strip().partition(" ")
        if what == "fields":
            print(json.dumps([fields(message) for message in cases[case]]), flush=True)
        else:
            start = time.process_time()
            decode(cases[case])
            print(time.process_time() - start, flush=True)


if __name__ == "__main__":
    main()
