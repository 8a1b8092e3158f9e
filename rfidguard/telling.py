"""What the daemon tells of itself: states of devices and gates, health, readiness, metrics."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from rfidguard import audit
from rfidguard.alarm import utc_text
from rfidguard.arming import quiet
from rfidguard.chain.chain_desk import ChainDesk
from rfidguard.clock import SystemClock
from rfidguard.core_thread import CoreThread
from rfidguard.devices import Devices
from rfidguard.feeds.feed_desk import Feeds
from rfidguard.feeds.feed_store import feed_cursors_of
from rfidguard.inlet import Inlet
from rfidguard.intake import last_heard, last_sales
from rfidguard.ledger_desk import LedgerDesk
from rfidguard.metrics import Family, counter, gauge
from rfidguard.mqtt_link import MqttLink
from rfidguard.pace import look_every_s, slow_words
from rfidguard.recorder import Recorder
from rfidguard.site_gauges import site_gauges
from rfidguard.status import StatusBoard
from rfidguard.store import Store, StoreUnavailable
from rfidguard.trust import doubts


class Telling:
    """Reads the parts of the running daemon; changes none. `note` is called on the core's thread, the rest on any."""

    def __init__(
        self,
        board: StatusBoard,
        link: MqttLink,
        store: Store,
        core: CoreThread,
        inlet: Inlet,
        recorder: Recorder,
        devices: Devices,
        ledger: LedgerDesk,
        clock: SystemClock,
    ) -> None:
        self._board, self._link, self._store, self._core = board, link, store, core
        self._inlet, self._recorder, self._devices, self._clock = inlet, recorder, devices, clock
        self._ledger_desk = ledger
        self._measured = (clock.monotonic(), Counter[str]())
        self._said: object = None
        self.culprits: tuple[str, ...] = ()
        """The workers that hang or are gone."""
        self.feeds: Feeds | None = None
        self.chain: ChainDesk | None = None
        self.shared_database: str | None = None
        """What is wrong where another daemon uses the same database."""
        self.web_problem: str | None = None
        """Why there is no HTTP now."""
        self.moved_aside: str | None = None
        """Where a damaged database was put at this start."""

    def announce(self) -> None:
        """The state of every device and gate as it is known now."""
        for gate, memory in self._core.runner.state.gates.items():
            self._board.faults[gate] = dict(memory.watch.faults)
            self._tell_gate(gate)
        for device in self._board.devices:
            self._tell_device(device)

    def note(self, topic: str, body: dict[str, Any]) -> None:
        """What the core noted that is no alarm."""
        if topic == "command":
            self._link.send(f"cmd/{body['name']}/reply", body)
            return
        if topic == "gate":
            self._board.faults[body["gate"]] = body.get("faults", self._board.faults.get(body["gate"], {}))
            self._tell_gate(body["gate"])
            return
        body = {**body, "at": utc_text(body["at"])} if "at" in body else body
        self._link.send(f"event/{topic}", body)
        if topic == "device" and "state" in body and self._board.heard(body["device"], body["state"], body["reason"]):
            self._tell_device(body["device"])

    def news(self) -> bool:
        """True where health is another than when this was asked last. Cheap."""
        now = (self.reasons(), self._link.handhelds(), sum(self._devices.replaced.values()))
        changed, self._said = now != self._said, now
        self._tell_quiet()
        return changed

    def _tell_quiet(self) -> None:
        """A gate that falls quiet, or ends to be, says so in its state."""
        runner, now = self._core.runner, self._clock.now()
        for name, memory in list(runner.state.gates.items()):
            why = quiet(runner.layout.gates[name], memory, now)
            if self._board.quiet.get(name) != why:
                self._board.quiet[name] = why
                self._tell_gate(name)

    def health(self) -> dict[str, Any]:
        """The body of the retained topic `health`."""
        now = self._clock.now()
        state = self._core.runner.state
        body: dict[str, Any] = {
            "at": utc_text(now),
            "state": "degraded" if (reasons := self.reasons()) else "online",
            "reasons": reasons,
            "clock_ahead_s": round(self._clock.ahead_s(), 3),
            "replaced": dict(self._devices.replaced),
            "database": {
                "healthy": self._store.healthy(),
                "problem": self._store.last_error or self._ledger_desk.problem,
                "waiting": self._store.waiting(),
                "moved_aside": self.moved_aside,
            },
            "ledger_stale": bool(doubts(state)),
            "site": msgspec.structs.asdict(state.site),
            "journal": {"problem": self._recorder.problem, "lost": dict(self._recorder.lost)},
            "readers": self._read_rates(),
            "stray_load": {gate: sum(not track.gone for track in list(tracks.values())) for gate, tracks in state.tracks.items()},
            "reads_per_passage": {gate: memory.watch.reads_each for gate, memory in state.gates.items()},
            "dropped": {**dict(self._inlet.counts), **state.counts},
            "behind_s": round(self._inlet.waited_s, 3),
            "look_every_s": look_every_s(state),
            "devices": {name: {"state": entry[0], "reason": entry[1]} for name, entry in self._board.devices.items()},
        }
        try:
            body |= {
                "mqtt": self._link.health(),
                "ledger": self._ledger(now),
                "chain": None if self.chain is None else self.chain.health(),
                "audit": msgspec.structs.asdict(self._store.read(audit.head)),
            }
        except StoreUnavailable as error:
            body["database"]["problem"] = str(error)
        return body

    def ready(self) -> tuple[bool, Mapping[str, str]]:
        """Whether everything that is configured works; why not, by part."""
        reasons = self.reasons()
        for part in [
            name for name in reasons if name in ("no_listener", "damage", "speed") or name.startswith(("feed ", "gate "))
        ]:
            del reasons[part]  # the box itself is well
        return not reasons, reasons

    def reasons(self) -> dict[str, str]:
        """What does not work as it should, by part."""
        reasons = {name: entry[1] or entry[0] for name, entry in self._board.devices.items() if entry[0] != "online"}
        if not self._store.healthy():
            reasons["database"] = self._store.last_error or "the writer does not commit"
        if not self._link.connected:
            reasons["mqtt"] = self._link.problem or "not connected"
        elif self._link.no_listener:
            reasons["no_listener"] = "no handheld is listening for alarms"
        elif self._link.tells_no_listener is False and not self._link.handhelds():
            reasons["no_listener"] = "no handheld is online, and the broker does not tell whether anybody hears an alarm"
        for feed, reason in doubts(self._core.runner.state).items():
            reasons[f"feed {feed}"] = reason
        for gate, faults in self._board.faults.items():
            reasons |= {f"gate {gate} {fault}": text for fault, text in faults.items()}
        reasons |= self._feed_reasons()
        parts = {"journal": self._recorder.problem, "ledger": self._ledger_desk.problem, "http": self.web_problem}
        parts["speed"] = slow_words(self._core.runner.state)
        reasons |= {name: problem for name, problem in parts.items() if problem}
        if self.shared_database:
            reasons["database"] = self.shared_database
        if self.moved_aside:
            reasons["damage"] = f"the database was damaged; what it knew is in {self.moved_aside}"
        if self.culprits:
            reasons["watchdog"] = f"{', '.join(self.culprits)} hangs or is gone"
        return reasons

    def counters(self) -> Iterable[Family]:
        """The numbers for /metrics."""
        counts = self._core.counts.copy()
        by = {kind: {name: float(n) for (what, name), n in counts.items() if what == kind} for kind in ("reads", "decisions")}
        supervisors = dict(self._devices.supervisors)
        rejects = Counter[str]()
        for supervisor in supervisors.values():
            rejects.update(supervisor.rejects)
        restarts = {
            name: supervisor.counts["restarts"] + self._devices.replaced[name] for name, supervisor in supervisors.items()
        }
        up = {name: float(entry[0] == "online") for name, entry in self._board.devices.items()}
        dropped = {**self._inlet.counts, **self._core.runner.state.counts}
        return [
            counter("rfidguard_reads", "Tag reads taken in.", by["reads"], "gate"),
            counter("rfidguard_decisions", "Passages judged.", by["decisions"], "verdict"),
            counter("rfidguard_dropped", "Input discarded, by reason.", dropped),
            counter("rfidguard_device_rejects", "Input of devices that could not be used.", rejects),
            counter("rfidguard_mqtt", "What happened on the way to and from the broker.", self._link.counters(), "what"),
            counter("rfidguard_database", "Commits and failures.", self._store.counts, "what"),
            counter("rfidguard_device_restarts", "Restarts of drivers.", restarts, "device"),
            gauge("rfidguard_device_up", "1 while a device works.", up, "device"),
            gauge("rfidguard_mqtt_connected", "1 while the broker is there.", float(self._link.connected)),
            gauge("rfidguard_inlet_depth", "Items that wait for the core.", float(self._inlet.depth())),
            gauge("rfidguard_behind_seconds", "How long the newest input taken in had waited.", self._inlet.waited_s),
            gauge(
                "rfidguard_look_seconds", "How often tags in view are looked at.", look_every_s(self._core.runner.state), "tags"
            ),
            *(self.feeds.families() if self.feeds is not None else ()),
            *(self.chain.families() if self.chain is not None else ()),
            *site_gauges(self._store, self._link, self._core.runner.state, self.reasons(), self._clock.now()),
        ]

    def _tell_device(self, device: str) -> None:
        now = self._clock.now()
        self._link.set_state(f"device/{device}/status", self._board.device(device, now))
        for gate in self._board.gates_of(device):
            self._tell_gate(gate.id)

    def _tell_gate(self, gate: str) -> None:
        self._link.set_state(f"gate/{gate}/status", self._board.gate(self._board.named(gate), self._clock.now()))

    def _read_rates(self) -> dict[str, float]:
        """Reads per second of every gate since health was last told."""
        then, before = self._measured
        now = self._clock.monotonic()
        counts = Counter({name: n for (kind, name), n in self._core.counts.copy().items() if kind == "reads"})
        self._measured = (now, counts)
        span_s = max(now - then, 1e-3)
        return {gate: round((n - before[gate]) / span_s, 1) for gate, n in counts.items()}

    def _ledger(self, now: float) -> dict[str, Any]:
        heard, sales = self._store.read(last_heard), self._store.read(last_sales)
        newest = max(sales.values(), default=None)
        return {
            "last_sale_age_s": None if newest is None else round(max(now - newest, 0.0), 1),
            "stale": doubts(self._core.runner.state),
            "feeds": self._feeds(now),
            "lanes": {lane: round(max(now - at, 0.0), 1) for lane, at in (heard | sales).items()},
        }

    def _feed_reasons(self) -> dict[str, str]:
        reasons = {} if self.feeds is None else self.feeds.reasons()
        return reasons if self.chain is None else reasons | self.chain.reasons()

    def _feeds(self, now: float) -> dict[str, Any]:
        """Of each configured feed: state, how late its news is, and how long ago it answered."""
        if self.feeds is None:
            return {}
        known = self._store.read(feed_cursors_of)
        return {
            name: {
                "state": state,
                "reason": reason,
                "lag_s": known[name].lag_s if name in known else None,
                "polled_age_s": round(max(now - (known[name].polled_at or now), 0.0), 1) if name in known else None,
            }
            for name, (state, reason) in self.feeds.states().items()
        }
