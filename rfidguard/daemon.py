"""The daemon: wiring only. Every part is built here from the configuration, started in order, watched, and stopped in order."""

import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from types import FrameType

from rfidguard import topics
from rfidguard.alarm import OPEN_STATES, Alarm, utc_text
from rfidguard.alarm_db import open_alarms
from rfidguard.answer_desk import AnswerDesk
from rfidguard.chain.chain_desk import ChainDesk, no_chain
from rfidguard.clock import SystemClock
from rfidguard.config import Config
from rfidguard.core_thread import CoreThread
from rfidguard.damaged import check_in_background, mark, moved_aside_if_damaged
from rfidguard.devices import Devices
from rfidguard.dispatch import Dispatch
from rfidguard.effects import Effect
from rfidguard.epc import identify
from rfidguard.errors import RfidguardError
from rfidguard.events import Tick
from rfidguard.feeds.feed_desk import NOT_HEARD, Feeds
from rfidguard.front_desk import FrontDesk
from rfidguard.inlet import Inlet
from rfidguard.interpreter import shared_fairly
from rfidguard.layout import Layout, layout_from
from rfidguard.ledger_desk import LedgerDesk, credits_told_s
from rfidguard.ledger_fold_daily import fold_daily
from rfidguard.messages import info_message
from rfidguard.mqtt_link import MqttLink
from rfidguard.notify import Notifier
from rfidguard.outbox import index_message
from rfidguard.pulse import Pulse
from rfidguard.recorder import Recorder
from rfidguard.repeat import Repeater
from rfidguard.resume import MOST_AHEAD_S, reconciled, resumed
from rfidguard.sale_watch import SaleWatch
from rfidguard.service_db import DAEMON, beat, rest
from rfidguard.site_watch import SiteWatch
from rfidguard.status import StatusBoard
from rfidguard.store import Store, StoreUnavailable
from rfidguard.telling import Telling
from rfidguard.watchdog import Watchdog
from rfidguard.web.access import access_from, check_listen, listen_address
from rfidguard.web.app import create_app
from rfidguard.web.live import Broadcast
from rfidguard.web.server import WebServer
from rfidguard.web.tls import tls_from
from rfidguard.workers import ROUNDS_HUNG_S, workers

log = logging.getLogger(__name__)

TURN_S = 0.25
HEALTH_S = 60.0
BEAT_S = 1.0
WEB_RETRY_S = 5.0
STOP_HUNG_S = 5.0
DATABASE_PATIENCE_S = 2.0
"""A start waits no longer for the database: the gate is watched without it."""
SHARED_DATABASE = "another daemon uses this database; give each box its own (database.url), and let them share sales by [chain]"
EXIT_CORE_FAILED = 70
EXIT_RELOAD = 75
"""The process is to be started again with the new configuration (run.py does it)."""


class Guard:
    """One running daemon. `run` returns the exit status."""

    def __init__(self, config: Config, check: Callable[[], object], clock: SystemClock | None = None) -> None:
        """`check` reads the configuration file again and raises ConfigError where it cannot be used; for reload."""
        check_listen(config.http)
        self.config = config
        self.clock = clock or SystemClock()
        self.session = secrets.token_hex(8)
        self._check = check
        self._stopping = threading.Event()
        self._exit = 0
        self._hangs = False
        self._trouble: str | None = None
        self._has_beaten = False
        self._moved_aside: str | None = None
        self._notifier = Notifier()
        self.pulse = Pulse(self.clock.monotonic, ROUNDS_HUNG_S)
        self.rounds = threading.Thread(target=self._run_rounds, name="rounds", daemon=True)
        self.watchdog = Watchdog(lambda: workers(self), self._told_of_workers)
        self.layout = layout_from(config)
        self.store = Store(config.database.url, self.clock)
        self.inlet = Inlet(clock=self.clock)
        self.broadcast = Broadcast()
        self.ledger = LedgerDesk(self.store, self.inlet.emit, self.clock, credits_told_s(config.ledger))
        self.site = SiteWatch(self.store, config, self.inlet.emit, self.clock, self.layout, self._relaid)
        self.desk = AnswerDesk(self.store, self.inlet.emit, self.clock, self.clock.ahead_s)
        self.devices = Devices(config, self.inlet.emit, self.clock)
        self.front = FrontDesk(
            self.store, self.desk, self.broadcast, self.ledger.take, self.clock,
            health=lambda: self.telling.health(), ready=lambda: self.telling.ready(),
            counters=lambda: [*self.telling.counters(), *self.dispatch.families()],
            daemon_command=self._command, note=self._note,
            zone=config.site.zone(),
            watch=SaleWatch(config, self.clock),
            hook=lambda *call: self.feeds.take_hook(*call),
        )  # fmt: skip
        self.feeds = Feeds(config, self.store, self.front.watched_emit, self.clock, self._feed_told)
        self.chain = (
            None if config.chain is None else ChainDesk(config, self.store, self.ledger.take, self.clock, self._feed_told)
        )
        self.ledger.missed = None if self.chain is None else self.chain.missed
        self.link = MqttLink(config, self.store, self.clock, self.front, info_message(config))
        access, tls = access_from(config.http), tls_from(config.http)
        host, port = listen_address(config.http)
        self._new_web = partial(WebServer, create_app(self.front, access), host, port, self.clock, tls)
        self.web = self._new_web()
        self.recorder = Recorder(
            config.journal, config.privacy, self._owns, self.clock, site=config.site.id, session=self.session
        )  # fmt: skip

    def run(self) -> int:
        """Starts everything, watches until told to stop, and stops everything."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        try:
            self._start()
            shared_fairly()
            self._notifier.send("READY=1", f"STATUS=watching {len(self.config.gate)} gates", f"MAINPID={os.getpid()}")
            self._watch()
        finally:
            self._stop()
        if self._hangs:
            os._exit(self._exit)  # a thread that hangs would keep the process from ending
        return self._exit

    def _start(self) -> None:
        self._open_store()
        known = self._stored_alarms()
        self._unreconciled = known is None
        self.layout = self.site.catalogue()
        runner, undone = resumed(self.layout, self.ledger.find, self.config.journal.dir, known, self.clock.now())
        self.clock.start_at(runner.state.now)
        runner.name_from(self.ledger.articles)
        self.site.expect(runner.state.stale_feeds)
        self.core = CoreThread(runner, self.inlet, self.recorder, self._carry_out, self.clock)
        self.dispatch = Dispatch(self.store, self.desk, self.broadcast, self.devices.order, self._note, self._list_alarms)
        self.telling = Telling(
            StatusBoard(self.config), self.link, self.store, self.core, self.inlet, self.recorder,
            self.devices, self.ledger, self.clock,
        )  # fmt: skip
        self.telling.moved_aside = self._moved_aside
        self.telling.feeds, self.telling.chain = self.feeds, self.chain
        self.repeater = Repeater(self.store, self._open_alarms, self.clock)
        self.telling.announce()
        self._list_alarms()
        self._carry_out(undone)
        self._carry_out(runner.feed(Tick(at=self.clock.now())))
        self.core.new_journal()
        runner.record_to(self.recorder.write)
        self.core.start()
        self.link.start()
        self.devices.start()
        self.feeds.start()
        self.chain.start() if self.chain is not None else no_chain(self.store)
        self._start_web()
        self._check_database()
        self.fold = fold_daily(self.store, self.clock, self.config.ledger.fold_after_days, self._stopping)

    def _open_store(self) -> None:
        """A damaged database is moved aside, one that is away is done without until it comes; one of another program or a
        newer version ends the start with a clear word.
        """
        path = self._database_file()
        aside = None if path is None else moved_aside_if_damaged(path, self.clock.now())
        self._moved_aside = None if aside is None else str(aside)
        if not self.store.open_soon(DATABASE_PATIENCE_S):
            log.error("watching without the database: %s", self.store.last_error)

    def _database_file(self) -> Path | None:
        return None if self.store.path is None else Path(self.store.path)

    def _stored_alarms(self) -> list[Alarm] | None:
        try:
            return self.store.read(open_alarms)
        except StoreUnavailable:
            return None

    def _check_database(self) -> None:
        path = self._database_file()
        if path is not None:
            check_in_background(path, self._damaged, self._stopping)

    def _damaged(self, fault: str) -> None:
        """Only a new start with another file helps; what the core knows comes back from the journal."""
        path = self._database_file()
        if path is None or self._stopping.is_set():
            return
        log.critical("the database is damaged (%s): starting anew without it", fault)
        mark(path)
        self._exit = EXIT_RELOAD
        self._stopping.set()

    def _start_web(self) -> None:
        """Tried again every WEB_RETRY_S: the port may be another's for a while, or the box too busy."""
        try:
            self.web.start()
        except RfidguardError as error:
            if self.telling.web_problem is None:
                log.error("no staff page and no HTTP: %s", error)
            self.telling.web_problem = str(error)
        else:
            self.telling.web_problem = None

    def _guard_web(self, now: float) -> None:
        if self.web.alive and not self.web.late_s(now):
            return
        self.web.stop()
        self.web = self._new_web()
        self._start_web()

    def _watch(self) -> None:
        """This thread asks no database and no network: it must tell who hangs."""
        self.rounds.start()
        while not self._stopping.wait(TURN_S):
            self._guard_workers(self.clock.monotonic())

    def _run_rounds(self) -> None:
        while not self._stopping.is_set():
            try:
                self._go_rounds()
            except Exception:  # thread root
                log.exception("the rounds failed; they begin again")

    def _go_rounds(self) -> None:
        health_at = beat_at = 0.0
        web_at = self.clock.monotonic()
        while not self._stopping.wait(TURN_S):
            self.pulse.beat()
            now = self.clock.monotonic()
            if now - web_at >= WEB_RETRY_S:
                self._guard_web(now)
                web_at = self.clock.monotonic()
            if now - beat_at >= BEAT_S:
                beat_at = now
                self._beat()
            if now - health_at >= HEALTH_S or self.telling.news():
                health_at = now
                self.link.set_state("health", self.telling.health())

    def _guard_workers(self, now: float) -> None:
        """Feeds systemd's watchdog while every worker that the gate needs beats, or has just been given a new thread."""
        if self.watchdog.look(now) is None:
            self._notifier.send("WATCHDOG=1")
            return
        self._exit = EXIT_CORE_FAILED
        self._hangs = self.core.failed is None
        self._stopping.set()

    def _told_of_workers(self, hanging: tuple[str, ...]) -> None:
        self.telling.culprits = hanging
        text = f"{', '.join(hanging)} hangs or is gone" if hanging else f"watching {len(self.config.gate)} gates"
        self._notifier.send(f"STATUS={text}")

    def _beat(self) -> None:
        """Once a second: tells commands that the daemon lives, takes up answers that they left, looks after what went wrong."""
        try:
            beaten = self.store.write(partial(beat, name=DAEMON, session=self.session, pid=os.getpid(), at=self.clock.now()))
            beaten.add_done_callback(self._alone)
            self.desk.pending()
            self.repeater.turn()
            self.ledger.catch_up()
            self._reconcile()
            self.site.turn()
        except RfidguardError as error:
            self._complain(str(error))
        else:
            self._complain(None)
        if self.store.is_corrupt():
            self._damaged(self.store.last_error or "a page cannot be read")
        if self.clock.ahead_s() > MOST_AHEAD_S:
            log.error("the clock was set back by %.0f s: starting anew", self.clock.ahead_s())
            self._exit = EXIT_RELOAD
            self._stopping.set()

    def _alone(self, beaten: "Future[str | None]") -> None:
        """Another daemon on this database would send this one's alarms, and end them. On the writer's thread."""
        if beaten.exception() is None:
            other = self._has_beaten and beaten.result() not in (self.session, None)
            self._has_beaten = True
            self.telling.shared_database = SHARED_DATABASE if other else None

    def _complain(self, trouble: str | None) -> None:
        if trouble is not None and self._trouble is None:
            log.warning("no beat: %s", trouble)
        self._trouble = trouble

    def _reconcile(self) -> None:
        """The database was away at the start: what it and the core know of open alarms is brought together now."""
        if self._unreconciled and self.store.prepared:
            alarms = self.store.read(open_alarms)
            self._unreconciled = False
            self.core.call(lambda runner: reconciled(runner, alarms))

    def _stop(self) -> None:
        self._notifier.send("STOPPING=1")
        if self.rounds.ident is not None:
            self.rounds.join(STOP_HUNG_S)
        self.web.stop()
        self.feeds.stop()
        if self.chain is not None:
            self.chain.stop()
        self.devices.stop()
        if hasattr(self, "core"):
            self.core.stop(STOP_HUNG_S if self._hangs else 10.0)
            self.link.stop()
            self.recorder.close()
        self.broadcast.close()
        if self.store.healthy() and not self._hangs:
            self._keep_site()
            self.store.write(partial(rest, name=DAEMON, session=self.session))
        self.store.close()
        log.info("stopped")

    def _keep_site(self) -> None:
        try:
            self.site.keep()
        except RfidguardError as error:
            log.warning("what was counted of the last minute is lost: %s", error)

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
        if topic == "command" and self.front.command_judged(body):
            return
        if topic == "gate" and "movement" in body:
            self.front.goods_moved(body)
        self.telling.note(topic, body)

    def _feed_told(self, feed: str, state: str, reason: str | None) -> None:
        """A feed of sales works, or fails: retained as a device's state is, and told on event/ledger."""
        at = self.clock.now()
        body = {"device": feed, "state": state, "reason": reason, "at": utc_text(at)}
        self.link.set_state(f"device/{feed}/status", body)
        if reason != NOT_HEARD:
            self.telling.note("ledger", {"kind": "feed", "source": feed, "state": state, "reason": reason, "at": at})

    def _relaid(self, layout: Layout) -> None:
        """The catalogue is another: more, or fewer, goods are ours."""
        self.layout = layout
        self.core.call(lambda runner: runner.relaid(layout))

    def _carry_out(self, effects: list[Effect]) -> None:
        self.site.take(effects)
        self.dispatch(effects)

    def _open_alarms(self) -> list[Alarm]:
        return [
            incident.alarm
            for incident in list(self.core.runner.state.incidents.values())
            if incident.alarm.state in OPEN_STATES and incident.alarm.told
        ]

    def _list_alarms(self) -> None:
        self.link.set_state(topics.ALARMS, lambda: index_message(self._open_alarms()))

    def _owns(self, epc: str) -> bool:
        return self.layout.owns(identify(epc))
