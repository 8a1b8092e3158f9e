"""The simulated LLRP reader as a whole: a TCP port, one client at a time, a thread of its own, and tags from a source."""

import logging
import selectors
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable

from rfidguard.clock import Clock, SystemClock
from rfidguard.events import Read
from simulators.llrp_reader.device import Device
from simulators.llrp_reader.dialogue import handle
from simulators.llrp_reader.door import Door, turn_away
from simulators.llrp_reader.faults import Faults, FaultState
from simulators.llrp_reader.link import Link
from simulators.llrp_reader.numbers import ConnectionAttempt, Parameter
from simulators.llrp_reader.profile import profile
from simulators.llrp_reader.source import Played, ReadSource
from simulators.llrp_reader.timeline import Timeline
from simulators.llrp_reader.timers import Timers
from simulators.llrp_reader.wire import BrokenStream, Frame, tlv, u16

log = logging.getLogger(__name__)

P = Parameter
ANSWER_DELAY_S = 0.0015
"""A real reader takes its time; some clients only listen for an answer after they have sent the question."""
_IDLE_S = 5.0


class SimReader:
    """A reader on the network. `start` listens and returns; everything else may be called from any thread.

    `source`: reads (played from the first inventory on), a ReadSource, or None for `push` alone. `begin_at`: wall time at which
    the source's time line starts instead. `announce(text)` and `on_output(pin, on)` are called on the reader's thread.
    `state_aware`: it goes by Gen2's SL flag where it is asked to. `max_specs`: AISpecs that a ROSpec may have.
    `keep_backlog`: reads without a client are kept for one that asked for hold (EventsAndReports), `buffer_tags` at most.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        reader_id: str = "reader",
        model: str = "impinj",
        source: ReadSource | Iterable[Read] | None = None,
        clock: Clock | None = None,
        *,
        region: str = "fcc",
        antennas: int = 4,
        state_aware: bool = False,
        max_specs: int = 32,
        begin_at: float | None = None,
        keep_backlog: bool = True,
        buffer_tags: int = 66_000,
        max_version: int = 1,
        announce: Callable[[str], None] = log.info,
        on_output: Callable[[int, bool], None] | None = None,
    ) -> None:
        self.reader_id = reader_id
        self._clock = clock or SystemClock()
        self._announce, self._on_output = announce, on_output
        self._timers = Timers(self._clock.monotonic)
        self.fault_state = FaultState()
        self.faults = Faults(self)
        self.device = Device(
            profile(model, region, antennas, state_aware=state_aware, max_specs=max_specs),
            self._clock,
            self._timers,
            self.fault_state,
            self._began,
            self._output_written,
            buffer_tags,
            keep_backlog,
            max_version,
        )
        played = source if source is None or isinstance(source, ReadSource) else Played(source)
        self._timeline = Timeline(played, self._clock, self._timers, begin_at)
        self._calls: deque[Callable[[], None]] = deque()
        self._inbox: deque[Frame] = deque()
        self._door = Door(host, port)
        self._link: Link | None = None
        self._down = False
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=f"sim-{reader_id}", daemon=True)

    def start(self) -> None:
        """Listens; `port` holds the real number from here on. Raises OSError when it cannot."""
        self._wake_out.setblocking(False)
        self._door.open()
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._thread.start()
        if self._timeline.begin_at is not None:
            self.call(self._timeline.begin)
        self._announce(f"LLRP reader {self.reader_id} ({self.device.profile.name}) listens on {self._door.host} port {self.port}")

    def stop(self) -> None:
        """Says good-bye to the client, closes everything, ends the thread."""
        self._stop.set()
        self.call(lambda: None)
        if self._thread.ident is not None:
            self._thread.join(10)
        else:
            self._shut()

    def __enter__(self) -> "SimReader":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The TCP port; after `start` the real one."""
        return self._door.port

    @property
    def connected(self) -> bool:
        """Whether a client has the session."""
        return self._link is not None

    @property
    def inventorying(self) -> bool:
        """Whether a ROSpec is active."""
        return self.device.operation.run is not None

    @property
    def at_end(self) -> bool:
        """Whether the source has no more reads to come."""
        return self._timeline.at_end

    @property
    def outputs(self) -> dict[int, bool]:
        """Output pin -> whether it is on."""
        return dict(self.device.settings.outputs)

    @property
    def counts(self) -> Counter[str]:
        """What happened so far: messages, refused_messages, sessions, tags_sent, keepalives, keepalive_acks, reads_lost_…, …"""
        return self.device.counts

    def set_input(self, pin: int, high: bool) -> None:
        """Sets the level at an input."""
        self.call(lambda: self.device.input_changed(pin, high))

    def push(self, *reads: Read) -> None:
        """Tags in the field now; each is reported with its own `at`, if an inventory runs on its antenna."""
        self.call(lambda: self._pushed(reads))

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Plans something for so many seconds after the first inventory (or `begin_at`). Call it before `start`."""
        self._timeline.at(seconds, action)

    def call(self, action: Callable[[], None]) -> None:
        """Has something done on the reader's thread, soon."""
        self._calls.append(action)
        try:
            self._wake_in.send(b"\0")
        except OSError:
            log.debug("%s: stopped already", self.reader_id)

    def drop(self, torn: bool) -> None:
        """For `faults`: breaks the connection."""
        link = self._link
        if link is None:
            return
        if torn:
            link.send(self.device.outlet.torn_report())
        self._end_session("connection broken by order", reset=not torn)

    def reboot(self, down_s: float, keep_specs: bool) -> None:
        """For `faults`: off, and on again after so many seconds."""
        self._close_door()
        self._end_session("rebooting by order", reset=True)
        self._down = True
        self._timers.after(down_s, lambda: self._boot(keep_specs))

    def antenna_changed(self, port: int, connected: bool) -> None:
        """For `faults`: an antenna's cable."""
        self.device.antenna_changed(port, connected)

    def overflow(self, tags: int) -> None:
        """For `faults`: the report buffer ran over."""
        self.device.outlet.overflow(tags)

    def reader_exception(self, text: str) -> None:
        """For `faults`: an exception event."""
        self.device.reader_exception(text)

    def send_raw(self, data: bytes) -> None:
        """For `faults`: any bytes."""
        if self._link is not None:
            self._link.send(data)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._turn()
        except Exception:
            log.exception("%s: the simulated reader died", self.reader_id)
            self.counts["crashes"] += 1
        finally:
            self._shut()

    def _turn(self) -> None:
        """Waits for bytes, a call or a moment that is due, and does all that is there."""
        self._watch()
        ready = {key.fileobj for key, _ in self._selector.select(self._wait_s())}
        if self._wake_out in ready:
            self._wake_out.recv(4096)
        while self._calls:
            self._calls.popleft()()
        if self._door.sock is not None and self._door.sock in ready and not self.fault_state.silent:
            self._accept()
        if self._link is not None and self._link.sock in ready and not self.fault_state.silent:
            self._receive(self._link)
        self._timers.run()
        self._play()
        self._write()

    def _wait_s(self) -> float:
        now = self._timers.monotonic()
        planned = (self._timers.next_due(), self._timeline.next_due(), now + _IDLE_S)
        return max(0.0, min(moment for moment in planned if moment is not None) - now)

    def _watch(self) -> None:
        """Tells the selector what to wait for."""
        read = 0 if self.fault_state.silent else selectors.EVENT_READ
        if self._door.sock is not None:
            self._interest(self._door.sock, read)
        if self._link is not None:
            write = selectors.EVENT_WRITE if read and self._link.wants_to_write else 0
            self._interest(self._link.sock, read | write)

    def _interest(self, sock: socket.socket, events: int) -> None:
        known = self._selector.get_map().get(sock)
        if known is not None and known.events != events:
            self._selector.unregister(sock)
            known = None
        if known is None and events:
            self._selector.register(sock, events)

    def _forget(self, sock: socket.socket) -> None:
        if sock in self._selector.get_map():
            self._selector.unregister(sock)

    def _close_door(self) -> None:
        if self._door.sock is not None:
            self._forget(self._door.sock)
            self._door.close()

    def _accept(self) -> None:
        caller = self._door.accept()
        if caller is None:
            return
        sock, peer = caller
        if self._link is not None or self.fault_state.refuse:
            self._refuse(sock, peer)
            return
        self.counts["sessions"] += 1
        self._link = Link(sock, peer, self.fault_state, self._timers)
        self.device.client_came(self._link)
        self._announce(f"{self.reader_id}: client {peer} connected")

    def _refuse(self, sock: socket.socket, peer: str) -> None:
        """The newcomer is told why and sent away; the client that is there is told of the attempt."""
        self.counts["refused_sessions"] += 1
        self._announce(f"{self.reader_id}: client {peer} refused, a client-initiated connection exists")
        turn_away(sock, self._clock.now())
        self.device.outlet.notify_always(tlv(P.CONNECTION_ATTEMPT_EVENT, u16(ConnectionAttempt.ANOTHER_ATTEMPTED)))

    def _receive(self, link: Link) -> None:
        try:
            frames = link.receive()
        except BrokenStream as error:
            self.counts["broken_streams"] += 1
            self._end_session(f"client sent garbage: {error}")
            return
        except OSError as error:
            self._end_session(f"connection lost: {error}")
            return
        if frames is None:
            self._end_session("client hung up")
            return
        for frame in frames:
            self._inbox.append(frame)
            self._timers.after(ANSWER_DELAY_S, self._next_message)

    def _next_message(self) -> None:
        if self._inbox and self._link is not None:
            handle(self.device, self._inbox.popleft())

    def _write(self) -> None:
        link = self._link
        if link is None or self.fault_state.silent:
            return
        try:
            link.pump()
        except OSError as error:
            self._end_session(f"connection lost: {error}")
            return
        self.device.outlet.flush()
        if link.closing and not link.queued:
            self._end_session("client closed the connection")

    def _end_session(self, why: str, reset: bool = False) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        self._forget(link.sock)
        if not reset:
            try:
                link.pump()
            except OSError as error:
                log.debug("%s: last bytes not sent: %s", self.reader_id, error)
        link.close(reset)
        self._inbox.clear()
        self.device.client_went()
        self._announce(f"{self.reader_id}: {link.peer} disconnected ({why})")

    def _boot(self, keep_specs: bool) -> None:
        self._down = False
        self._door.open()
        self.device.boot(keep_specs)
        self._announce(f"{self.reader_id}: up again")

    def _began(self) -> None:
        if self._timeline.begin_at is None:
            self._timeline.begin()

    def _play(self) -> None:
        reads = self._timeline.due()
        for wall, read in reads:
            if self._down:
                self.counts["reads_while_down"] += 1
            else:
                self.device.tag_in_field(read, wall)
        if reads and self._timeline.at_end:
            self._announce(f"{self.reader_id}: the journal is at its end, {self.counts['tags_sent']} tags sent")

    def _pushed(self, reads: tuple[Read, ...]) -> None:
        for read in reads:
            self.device.tag_in_field(read, read.at)

    def _output_written(self, pin: int, on: bool) -> None:
        self._announce(f"{self.reader_id}: output {pin} {'on' if on else 'off'}")
        if self._on_output is not None:
            self._on_output(pin, on)

    def _shut(self) -> None:
        if self._link is not None:
            self.device.outlet.notify_always(tlv(P.CONNECTION_CLOSE_EVENT))
            self._end_session("the reader stops")
        self._close_door()
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()
