"""Recording alone: the devices of a configuration into a journal, nothing judged, nobody told."""

import signal
import threading
from collections import Counter
from pathlib import Path

from rfidguard.clock import Clock, SystemClock
from rfidguard.config import Config
from rfidguard.devices import Devices
from rfidguard.epc import identify
from rfidguard.inlet import Inlet
from rfidguard.layout import layout_from
from rfidguard.recorder import Recorder


class Recording:
    """One recording into `folder`. `problem`: why nothing could be written."""

    def __init__(self, config: Config, out: Path | None, clock: Clock | None = None) -> None:
        self.folder = out or config.journal.dir
        layout = layout_from(config)
        self._clock = clock or SystemClock()
        self._inlet = Inlet()
        self._devices = Devices(config, self._inlet.emit, self._clock)
        self._recorder = Recorder(
            config.journal, config.privacy, lambda epc: layout.owns(identify(epc)), self._clock, site=config.site.id, out=out
        )
        self._stopping = threading.Event()

    @property
    def problem(self) -> str | None:
        return self._recorder.problem

    def run(self, seconds: float | None) -> Counter[str]:
        """Records until told to stop, or for so many seconds; what was written, by "lines" and "bytes"."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        self._recorder.rotate(None)
        self._devices.start()
        end = None if seconds is None else self._clock.monotonic() + seconds
        while not self._stopping.is_set() and (end is None or self._clock.monotonic() < end):
            for event in self._inlet.take(0.1):
                self._recorder.write(event)
            if self._recorder.due_rotation():
                self._recorder.rotate(None)
            self._recorder.flush()
        self._devices.stop()
        self._recorder.close()
        return self._recorder.written
