"""A faithful LLRP reader over TCP, with faults on demand. `SimReader` is the whole of it; README.md tells what it can."""

from simulators.llrp_reader.numbers import Message, Status
from simulators.llrp_reader.reader import SimReader
from simulators.llrp_reader.source import JournalReads, Played, ReadSource

__all__ = ["JournalReads", "Message", "Played", "ReadSource", "SimReader", "Status"]
