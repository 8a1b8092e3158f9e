"""An EAS pedestal on a pty: it speaks lines by a profile of drivers/eas_profiles and can be unplugged and plugged in again.

The driver cannot tell it from a USB adapter: the same tty calls, the same hang-up, the same vanished device node. A pty has no
modem lines; pedestals with dry contacts are simulated by contact_box.py.
"""

import contextlib
import os
import threading
import tty
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.eas_lines import encode_line
from drivers.eas_profiles import LineRule, load_profile


class SimPedestal:
    """One pedestal. `link`, if given, names the port and is kept over unplug and replug, as udev keeps /dev/serial/by-id.

    `lost` counts the bytes nobody was there to read: unplugged, or full (the driver does not read), as on a real line.
    """

    def __init__(self, profile: str = "generic", link: Path | None = None) -> None:
        self.profile = load_profile(profile)
        self.lost: Counter[str] = Counter()
        self._link = link
        self._lock = threading.Lock()
        self._master: int | None = None
        self._slave: int | None = None
        self._slave_path = ""

    @property
    def port(self) -> str:
        """The path for the driver's `port`. Without a link it is another one after each replug."""
        return str(self._link) if self._link is not None else self._slave_path

    @property
    def plugged(self) -> bool:
        """False before start, after stop, and while unplugged."""
        return self._master is not None

    def start(self) -> Self:
        """Plugs it in."""
        self.replug()
        return self

    def stop(self) -> None:
        """Unplugs it for good."""
        self.unplug()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def words(self) -> list[str]:
        """What `say` understands: the kinds of this profile, and count_in, count_out, count_unknown where it counts people."""
        return list(dict.fromkeys(word for rule in self.profile.line if rule.say and (word := _word(rule)) is not None))

    def say(self, word: str) -> None:
        """Sends the line for a kind (`alarm`, …) or a count (`count_in`, …). Raises ValueError for what it cannot say."""
        for rule in self.profile.line:
            if rule.say and _word(rule) == word:
                self.line(rule.say[0])
                return
        raise ValueError(f"this pedestal cannot say {word!r}; it says {', '.join(self.words())}")

    def line(self, text: str) -> None:
        """Sends `text` with the profile's framing and checksum."""
        self.garbage(encode_line(text, self.profile))

    def garbage(self, data: bytes) -> None:
        """Sends bytes as they are."""
        with self._lock:
            if self._master is None:
                self.lost["unplugged"] += len(data)
                return
            try:
                written = os.write(self._master, data)
            except BlockingIOError:
                written = 0
            if written < len(data):
                self.lost["full"] += len(data) - written

    def unplug(self) -> None:
        """The port vanishes: node, link, and every open file on it. Nothing happens when it is unplugged already."""
        with self._lock:
            if self._master is None or self._slave is None:
                return
            if self._link is not None:
                self._link.unlink(missing_ok=True)
            os.close(self._slave)
            os.close(self._master)
            self._master = self._slave = None

    def replug(self) -> None:
        """The port is back, under its link if it has one. Nothing happens when it is plugged in already."""
        with self._lock:
            if self._master is not None:
                return
            # The simulator keeps the terminal's side open too, so that its raw mode outlives a driver that comes and goes.
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            self._slave_path = os.ttyname(self._slave)
            if self._link is not None:
                _point(self._link, self._slave_path)


def _word(rule: LineRule) -> str | None:
    if rule.count is not None:
        return f"count_{rule.count}"
    return rule.kind


def _point(link: Path, target: str) -> None:
    """Makes `link` name `target`, in one step; only a symbolic link is ever replaced."""
    if link.exists() and not link.is_symlink():
        raise FileExistsError(f"{link} is there and no symbolic link; give --link a path that is free")
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{link.name}.new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    fresh.symlink_to(target)
    os.replace(fresh, link)
