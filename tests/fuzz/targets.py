"""What takes bytes from outside, each as one function of bytes: it may refuse in the ways it promises, and nothing else."""

import io
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from drivers.eas_lines import LineDecoder
from drivers.eas_profiles import load_profile, profile_names
from drivers.llrp.frames import Framer
from drivers.llrp.hearing import Hearing
from drivers.llrp.notices import decode_notices
from drivers.llrp.report import ReportDecoder
from rfidguard.answer_document import read_answer
from rfidguard.clock import SystemClock
from rfidguard.command_desk import CommandDocument
from rfidguard.driver import AntennaPlace
from rfidguard.epc import identify, normal_epc, normal_gtin
from rfidguard.errors import RefusedInput
from rfidguard.feeds.ledger_file import ledger_lines
from rfidguard.intake import take_sale
from rfidguard.journal import decode_lines
from rfidguard.journal_files import lines_in
from rfidguard.stock_count import counted
from rfidguard.store import Store

NOW = 1_900_000_000.0
UTC = ZoneInfo("UTC")
_PROFILES = [load_profile(name) for name in profile_names()]
_stores: list[Store] = []


def llrp(data: bytes) -> None:
    """A reader's stream, from socket bytes to reads."""
    rejects: Counter[str] = Counter()
    hearing = Hearing("front-1", {1: AntennaPlace("front", "inside")}, SystemClock(), lambda _item: None, rejects, {})
    for frame in Framer(rejects).feed(data):
        hearing.hear(frame, NOW)
    hearing.settled()


def llrp_report(data: bytes) -> None:
    """The body of one report, twice: what a learnt layout says is what walking says."""
    learning, walking = ReportDecoder(Counter()), ReportDecoder(Counter(), learning=False)
    for _ in range(2):  # what the first tag leaves out, the last one has told by then
        assert learning.decode(data) == walking.decode(data)


def llrp_notice(data: bytes) -> None:
    """The body of one notification."""
    decode_notices(data, Counter())


def eas(data: bytes) -> None:
    """A pedestal's serial line, by every profile."""
    for profile in _PROFILES:
        decoder = LineDecoder(profile, Counter())
        decoder.feed(data)
        decoder.close()


def journal(data: bytes) -> None:
    """A journal file."""
    refused: Counter[str] = Counter()
    list(decode_lines(lines_in([data], refused), refused))


def ledger_file(data: bytes) -> None:
    """A file for `ledger import`: CSV, POSLog, EPCIS JSON and XML, journal, packed or not."""
    with suppress(RefusedInput):
        list(ledger_lines(io.BytesIO(data), UTC, NOW))


def poslog(data: bytes) -> None:
    """The inside of a POSLog transaction."""
    ledger_file(b"<POSLog><Transaction>" + data + b"</Transaction></POSLog>")


def epcis(data: bytes) -> None:
    """The inside of an EPCIS event."""
    ledger_file(b'{"type":"EPCISDocument","epcisBody":{"eventList":[{"type":"ObjectEvent",' + data + b"}]}}")


def csv(data: bytes) -> None:
    """Rows under a header with every column."""
    ledger_file(b"epc,gtin,serial,quantity,kind,at,transaction,lane,source,id\n" + data)


def stock(data: bytes) -> None:
    """A stock count."""
    with suppress(RefusedInput):
        list(counted(data.decode("latin-1").splitlines(), UTC, NOW))


def sale(data: bytes) -> None:
    """A till's document, to the database."""
    if not _stores:
        _stores.append(Store("sqlite://", SystemClock()))
        _stores[0].open()
    take_sale(_stores[0], data, source="fuzz", lane="3", now=NOW, emit=lambda _event: None)


def answer(data: bytes) -> None:
    """A handheld's answer."""
    with suppress(RefusedInput):
        read_answer(data, "staff-1", NOW, max_off_s=600.0)


def command(data: bytes) -> None:
    """An operator's command."""
    with suppress(ValidationError):
        CommandDocument.model_validate_json(data)


def epc(data: bytes) -> None:
    """An EPC or a GTIN as text."""
    text = data.decode("latin-1")
    for normal in (normal_epc, normal_gtin):
        with suppress(RefusedInput):
            identify(normal(text)) if normal is normal_epc else normal(text)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        llrp, llrp_report, llrp_notice, eas, journal, ledger_file, poslog, epcis, csv, stock, sale, answer, command, epc,
    )
}  # fmt: skip
