"""The daemon: wiring only. Every part is built here from the configuration, started in order, watched, and stopped in order."""

import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

from rfidguard.alarm import OPEN_STATES, Alarm
from rfidguard.alarm_db import open_alarms
from rfidguard.answer_desk import AnswerDesk
from rfidguard.clock import Clock, SystemClock
from rfidguard.config import Config
from rfidguard.core_thread import CoreThread
from rfidguard.devices import Devices
from rfidguard.dispatch import Dispatch
from rfidguard.effects import Effect
from rfidguard.epc import identify
from rfidguard.errors import RfidguardError
from rfidguard.events import Ledger, Tick
from rfidguard.front_desk import FrontDesk
from rfidguard.inlet import Inlet
from rfidguard.layout import layout_from
from rfidguard.ledger_db import records_for
from rfidguard.messages import info_message
from rfidguard.mqtt_link import MqttLink
from rfidguard.notify import Notifier
from rfidguard.recorder import Recorder
from rfidguard.resume import resumed
from rfidguard.service_db import DAEMON, beat, rest
from rfidguard.status import StatusBoard
from rfidguard.store import Store, StoreUnavailable
from rfidguard.telling import Telling
from rfidguard.web.access import access_from, check_listen, listen_address
from rfidguard.web.app import create_app
from rfidguard.web.live import Broadcast
from rfidguard.web.server import WebServer

log = logging.getLogger(__name__)

TURN_S = 0.25
HEALTH_S = 60.0
BEAT_S = 1.0
HUNG_S = 10.0
"""A worker that has not beaten for this long hangs."""
EXIT_CORE_FAILED = 70
EXIT_RELOAD = 75
"""The process is to be started again with the new configuration (run.py does it)."""


class Guard:
    """One running daemon. `run` returns the exit status."""

    def __init__(self, config: Config, check: Callable[[], object], clock: Clock | None = None) -> None:
        """`check` reads the configuration file again and raises ConfigError where it cannot be used; for reload."""
        check_listen(config.http)
        self.config = config
        self.clock = clock or SystemClock()
        self.session = secrets.token_hex(8)
        self._check = check
        self._stopping = threading.Event()
        self._exit = 0
        self._notifier = Notifier()
        self.layout = layout_from(config)
        self.store = Store(config.database.url, self.clock)
        self.inlet = Inlet()
        self.broadcast = Broadcast()
        self.desk = AnswerDesk(self.store, self.inlet.emit, self.clock)
        self.devices = Devices(config, self.inlet.emit, self.clock)
        self.front = FrontDesk(
            self.store, self.desk, self.broadcast, self.inlet.emit, self.clock,
            health=lambda: self.telling.health(), ready=lambda: self.telling.ready(),
            counters=lambda: self.telling.counters(), daemon_command=self._command, note=self._note,
        )  # fmt: skip
        self.link = MqttLink(config, self.store, self.clock, self.front, info_message(config))
        host, port = listen_address(config.http)
        self.web = WebServer(create_app(self.front, access_from(config.http)), host, port, self.clock)
        self.recorder = Recorder(
            config.journal, config.privacy, self._owns, self.clock, site=config.site.id, session=self.session
        )  # fmt: skip

    def run(self) -> int:
        """Starts everything, watches until told to stop, and stops everything."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        try:
            self._start()
            self._notifier.send("READY=1", f"STATUS=watching {len(self.config.gate)} gates", f"MAINPID={os.getpid()}")
            self._watch()
        finally:
            self._stop()
        return self._exit

    def _start(self) -> None:
        self._open_store()
        known = self.store.read(open_alarms)
        runner, undone = resumed(self.layout, self._lookup, self.config.journal.dir, known)
        self.core = CoreThread(runner, self.inlet, self.recorder, self._carry_out, self.clock)
        self.dispatch = Dispatch(self.store, self.desk, self.broadcast, self.devices.order, self._note, self._open_alarms)
        self.telling = Telling(
            StatusBoard(self.config), self.link, self.store, self.core, self.inlet, self.recorder,
            self.devices.supervisors, self.clock,
        )  # fmt: skip
        self.telling.announce()
        self._carry_out(undone)
        self._carry_out(runner.feed(Tick(at=self.clock.now())))
        self.recorder.rotate(runner.snapshot(self.clock.now()))
        runner.record_to(self.recorder.write)
        self.core.start()
        self.link.start()
        self.devices.start()
        self._start_web()
        self.desk.pending()

    def _open_store(self) -> None:
        """A database that is away now is waited for; one that cannot be used at all ends the start with a clear word."""
        while not self._stopping.is_set():
            try:
                self.store.open()
                return
            except StoreUnavailable as error:
                log.error("waiting for the database: %s", error)
                self._notifier.send(f"STATUS=waiting for the database: {error}", "WATCHDOG=1")
                self._stopping.wait(1.0)
        raise RfidguardError("stopped while waiting for the database")

    def _start_web(self) -> None:
        try:
            self.web.start()
        except RfidguardError as error:
            log.error("no staff page and no HTTP: %s", error)

    def _watch(self) -> None:
        health_at = beat_at = 0.0
        while not self._stopping.wait(TURN_S):
            now = self.clock.monotonic()
            culprit = self._culprit(now)
            if culprit is None:
                self._notifier.send("WATCHDOG=1")
            else:
                log.critical("%s hangs or is gone", culprit)
                self._notifier.send(f"STATUS={culprit} hangs or is gone")
            if self.core.failed is not None:
                self._exit = EXIT_CORE_FAILED
                self._stopping.set()
            if now - beat_at >= BEAT_S:
                beat_at = now
                self._beat()
            if now - health_at >= HEALTH_S:
                health_at = now
                self.link.set_state("health", self.telling.health())

    def _culprit(self, now: float) -> str | None:
        """The worker that does not work; None while all do."""
        device = self.devices.hung(now, HUNG_S)
        if device is not None:
            return f"device {device}"
        if not self.core.is_alive() or now - self.core.beat_at > HUNG_S:
            return "core"
        return None if self.link.alive(HUNG_S * 3) else "mqtt"

    def _beat(self) -> None:
        """Tells commands that the daemon lives, and takes up answers that they left in the database."""
        try:
            self.store.write(partial(beat, name=DAEMON, session=self.session, pid=os.getpid(), at=self.clock.now()))
            self.desk.pending()
        except RfidguardError as error:
            log.warning("no beat: %s", error)

    def _stop(self) -> None:
        self._notifier.send("STOPPING=1")
        self.web.stop()
        self.devices.stop()
        if hasattr(self, "core"):
            self.core.stop()
            self.link.stop()
            self.recorder.close()
        self.broadcast.close()
        if self.store.healthy():
            self.store.write(partial(rest, name=DAEMON, session=self.session))
        self.store.close()
        log.info("stopped")

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGHUP:
            self._stopping.set()
            return
        problem = self._command("reload")
        if problem:
            log.error("not reloaded, the old configuration stays: %s", problem)

    def _command(self, name: str) -> str | None:
        """A command to the daemon itself: None where it is carried out, else why not."""
        if name == "rebirth":
            self.link.rebirth()
            return None
        try:
            self._check()
        except RfidguardError as error:
            return str(error)
        self._exit = EXIT_RELOAD
        self._stopping.set()
        return None

    def _note(self, topic: str, body: dict[str, object]) -> None:
        self.telling.note(topic, body)

    def _carry_out(self, effects: list[Effect]) -> None:
        self.dispatch(effects)

    def _open_alarms(self) -> list[Alarm]:
        return [
            incident.alarm
            for incident in self.core.runner.state.incidents.values()
            if incident.alarm.state in OPEN_STATES and incident.alarm.told
        ]

    def _lookup(self, keys: tuple[str, ...]) -> tuple[Ledger, ...]:
        """The ledger's records. Unreachable, it knows nothing: the policy for unknown items decides, and health says why."""
        since = self.clock.now() - self.config.ledger.credit_ttl_s
        try:
            return tuple(self.store.read(partial(records_for, keys=keys, credits_since=since)))
        except StoreUnavailable as error:
            log.error("the ledger cannot be asked: %s", error)
            return ()

    def _owns(self, epc: str) -> bool:
        return self.layout.owns(identify(epc))
