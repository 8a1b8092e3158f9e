"""What can go wrong with a reader, on demand. `FaultState` is how it misbehaves now; `Faults` is how others order it."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from simulators.llrp_reader.numbers import Message, Parameter
from simulators.llrp_reader.wire import tlv, u16, u32

_UNKNOWN_TV, _UNKNOWN_TLV, _UNKNOWN_MESSAGE, _UNKNOWN_VENDOR = 100, 500, 900, 99_999
_UNKNOWN = {
    "tv": bytes((0x80 | _UNKNOWN_TV, 0x12, 0x34)),
    "tlv": tlv(_UNKNOWN_TLV, b"\xde\xad\xbe\xef"),
    "custom": tlv(Parameter.CUSTOM, u32(_UNKNOWN_VENDOR, 7), u16(42)),
}
UNKNOWN_PARAMETERS = tuple(_UNKNOWN)


@dataclass
class FaultState:
    """Every lasting fault; the values here are a healthy reader."""

    refuse: bool = False
    """New sessions get "client-initiated connection exists"."""
    silent: bool = False
    """Nothing is read from or written to the network, as with a pulled cable; what queues up comes when it is over."""
    errors: dict[int, int] = field(default_factory=dict)
    """Message type -> status code: such messages are answered with that error and do nothing."""
    unanswered: set[int] = field(default_factory=set)
    """Message types that are read and ignored."""
    keepalive_off: bool = False
    stays_ended: bool = False
    """An immediate ROSpec that has run through its AISpecs starts again by START_ROSPEC only."""
    clock_offset_s: float = 0.0
    year_1970: bool = False
    """The clock started at 0 when the reader did."""
    no_utc: bool = False
    """No UTC clock: Uptime instead of UTC timestamps, and the capabilities say so."""
    dribble: tuple[int, float] | None = None
    """So many bytes at a time, with a pause of so many seconds between."""
    omit_unchanged: bool = False
    """Enabled fields that equal those of the report before are left out."""
    duplicate: bool = False
    """Every report is sent twice."""
    unknown_parameter: str | None = None
    """Every tag carries a parameter that nobody knows: "tv", "tlv" or "custom"."""
    unknown_message: bool = False
    """Before every report comes a message that nobody knows."""
    short_parameter: bool = False
    """The last field of every tag is cut short, inside a report whose own lengths are right."""

    def spoiled(self, tag: bytes) -> bytes:
        """A TagReportData parameter as the faults leave it."""
        value = tag[4:]
        if self.unknown_parameter == "tv":
            end_of_epc = 13 if value[0] & 0x80 else int.from_bytes(value[2:4])
            value = value[:end_of_epc] + _UNKNOWN["tv"] + value[end_of_epc:]
        elif self.unknown_parameter is not None:
            value += _UNKNOWN[self.unknown_parameter]
        if self.short_parameter:
            value = value[:-1]
        return tag if value is tag else tlv(Parameter.TAG_REPORT_DATA, value)

    @property
    def spoils_tags(self) -> bool:
        """Whether any tag must go through `spoiled`."""
        return self.short_parameter or self.unknown_parameter is not None


UNKNOWN_MESSAGE = _UNKNOWN_MESSAGE
NAMES = tuple(entry.name for entry in fields(FaultState))


class Faulty(Protocol):
    """What the orders below are carried out by: the reader, on its own thread."""

    fault_state: FaultState

    def call(self, action: Callable[[], None]) -> None: ...
    def drop(self, torn: bool) -> None: ...
    def reboot(self, down_s: float, keep_specs: bool) -> None: ...
    def antenna_changed(self, port: int, connected: bool) -> None: ...
    def overflow(self, tags: int) -> None: ...
    def reader_exception(self, text: str) -> None: ...
    def send_raw(self, data: bytes) -> None: ...


class Faults:
    """Orders for faults; each may come from any thread and is done on the reader's."""

    def __init__(self, reader: Faulty) -> None:
        self._reader = reader

    def set(self, **changes: Any) -> None:
        """Changes lasting faults by the names of FaultState. Raises TypeError for a name that is none."""
        unknown = set(changes) - set(NAMES)
        if unknown:
            raise TypeError(f"no such fault: {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
        self._reader.call(lambda: self._change(changes))

    def heal(self) -> None:
        """Ends all lasting faults."""
        healthy = FaultState()
        self.set(**{name: getattr(healthy, name) for name in NAMES})

    def error_for(self, message: Message, code: int) -> None:
        """From now on `message` is answered with the error `code`."""
        self._reader.call(lambda: self._reader.fault_state.errors.update({message: code}))

    def no_answer_to(self, *messages: Message) -> None:
        """From now on these messages are not answered."""
        self._reader.call(lambda: self._reader.fault_state.unanswered.update(messages))

    def drop(self, torn: bool = False) -> None:
        """Breaks the connection; `torn`: in the middle of a report."""
        self._reader.call(lambda: self._reader.drop(torn))

    def reboot(self, down_s: float = 1.0, keep_specs: bool = False) -> None:
        """Down for so long, then there again; specs and configuration are kept or lost."""
        self._reader.call(lambda: self._reader.reboot(down_s, keep_specs))

    def antenna(self, port: int, connected: bool) -> None:
        """An antenna cable is pulled or put back."""
        self._reader.call(lambda: self._reader.antenna_changed(port, connected))

    def overflow(self, tags: int = 1) -> None:
        """The report buffer ran over: so many of the oldest tags held are lost, and the event is sent."""
        self._reader.call(lambda: self._reader.overflow(tags))

    def exception(self, text: str) -> None:
        """The reader reports an exception."""
        self._reader.call(lambda: self._reader.reader_exception(text))

    def send(self, data: bytes) -> None:
        """Sends any bytes at all."""
        self._reader.call(lambda: self._reader.send_raw(data))

    def _change(self, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            setattr(self._reader.fault_state, name, value)
