"""A box for web tests, of real parts: database, intake, answer desk, the core from incident on, broadcast, web server."""

import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rfidguard.alarm import OPEN_STATES, Alarm, Item
from rfidguard.alarm_db import get_alarm, list_alarms, open_alarms
from rfidguard.answer_desk import AnswerDesk
from rfidguard.clock import SystemClock
from rfidguard.config import Config
from rfidguard.dispatch import Dispatch
from rfidguard.effects import AnswerJudged
from rfidguard.events import Event, ReadBatch
from rfidguard.feeds.capture import CaptureReply, OwnsLane, take_capture, take_poslog
from rfidguard.feeds.feed_desk import Feeds, HookReply
from rfidguard.incident import announced, raised
from rfidguard.intake import SaleReply, take_sale
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.metrics import Family, counter, gauge
from rfidguard.runner import Runner
from rfidguard.store import Store
from rfidguard.web.access import Access
from rfidguard.web.app import create_app
from rfidguard.web.live import Broadcast, Subscription
from rfidguard.web.server import WebServer
from rfidguard.web.stream import BEAT_S

SHOP = {"site": {"id": "0001", "company_prefixes": ["0614141"]}, "gate": [{"id": "front"}, {"id": "back-door"}]}


class Box:
    """Satisfies Services. `sold` are the ledger events that the core heard; `broken` makes the box say that it is not ready."""

    def __init__(
        self, folder: Path, access: Access | None = None, beat_s: float = BEAT_S, feeds: Sequence[dict[str, object]] = ()
    ) -> None:
        self.clock = SystemClock()
        self.store = Store(f"sqlite:///{folder / 'web.db'}", self.clock)
        self.broadcast = Broadcast()
        self.layout = layout_from(Config.model_validate(SHOP))
        self.runner = Runner(self.layout, RecordSet().find)
        self.desk = AnswerDesk(self.store, self.emit, self.clock)
        self.dispatch = Dispatch(self.store, self.desk, self.broadcast, lambda *_: True, lambda *_: None, self._open_alarms)
        self.sold: list[Event | ReadBatch] = []
        self.broken: dict[str, str] = {}
        self.access = access
        self.feeds = Feeds(Config.model_validate({**SHOP, "feed": feeds}), self.store, self.emit, self.clock, lambda *_: None)
        self.web = WebServer(create_app(self, access, beat_s), "127.0.0.1", 0, self.clock)
        self._raised = 0
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._core = threading.Thread(target=self._run, name="core")

    def __enter__(self) -> "Box":
        self.store.open()
        self._core.start()
        self.web.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.web.stop()
        self._work.put(None)
        self._core.join(10)
        self.broadcast.close()
        self.store.close()

    def emit(self, event: Event | ReadBatch) -> None:
        self.sold.append(event)
        assert not isinstance(event, ReadBatch)
        self._work.put(lambda: self.dispatch(self.runner.feed(event)))

    def raise_alarm(self, *items: Item, gate: str = "front", kind: str = "unpaid_items", severity: str = "warning") -> Alarm:
        """As the core does it; returns once the alarm is stored and on its way to browsers."""
        done: Future[Alarm] = Future()
        self._work.put(lambda: done.set_result(self._raise(items, gate, kind, severity)))
        alarm = done.result(10)
        self.store.write(lambda conn: None).result(10)
        return alarm

    def take_sale(self, payload: bytes, source: str, lane: str | None) -> SaleReply:
        return take_sale(self.store, payload, source=source, lane=lane, now=self.clock.now(), emit=self.emit)

    def take_capture(self, payload: bytes, source: str, lane: str | None, proceed: bool) -> CaptureReply:
        now = self.clock.now()
        return take_capture(self.store, payload, source=source, now=now, emit=self.emit, lane=lane, proceed=proceed)

    def take_poslog(self, payload: bytes, source: str, owns_lane: OwnsLane) -> CaptureReply:
        zone, now = ZoneInfo("Europe/Berlin"), self.clock.now()
        return take_poslog(self.store, payload, zone=zone, source=source, now=now, emit=self.emit, owns_lane=owns_lane)

    def take_hook(self, feed: str, headers: Mapping[str, str], payload: bytes) -> HookReply:
        return self.feeds.take_hook(feed, headers, payload)

    def submit_answer(self, payload: bytes, by: str) -> Future[AnswerJudged]:
        return self.desk.submit(payload, by)

    def list_alarms(self, include_closed: bool, limit: int) -> list[Alarm]:
        return self.store.read(lambda conn: list_alarms(conn, include_closed, limit))

    def get_alarm(self, alarm_id: str) -> Alarm | None:
        return self.store.read(lambda conn: get_alarm(conn, alarm_id))

    def subscribe(self) -> Subscription:
        return self.broadcast.subscribe()

    def health(self) -> Mapping[str, Any]:
        return {"outbox": 0}

    def ready(self) -> tuple[bool, Mapping[str, str]]:
        return not self.broken, self.broken

    def counters(self) -> Iterable[Family]:
        yield counter("rfidguard_answers_refused", "Answers refused", self.desk.rejects)
        yield gauge("rfidguard_alarms_open", "Open alarms", len(self.list_alarms(False, 1000)))

    def open_alarms(self) -> list[Alarm]:
        return self.store.read(open_alarms)

    def _open_alarms(self) -> list[Alarm]:
        return [incident.alarm for incident in self.runner.state.incidents.values() if incident.alarm.state in OPEN_STATES]

    def _raise(self, items: tuple[Item, ...], gate: str, kind: str, severity: str) -> Alarm:
        now = self.clock.now()
        self._raised += 1
        incident = raised(
            self.layout, gate=gate, kind=kind, severity=severity, items=items, crossing=now, start=now,
            first=str(self._raised), now=now,
        )  # fmt: skip
        self.runner.state.incidents[incident.alarm.id] = incident
        self.dispatch(announced(self.layout, incident, "raised", now))
        return incident.alarm

    def _run(self) -> None:
        while (job := self._work.get()) is not None:
            job()


def item(number: int = 1, **fields: Any) -> Item:
    """An unpaid item of the shop; every field may be given otherwise."""
    plain: dict[str, Any] = {"epc": f"3034257BF7194E40000{number:05X}", "gtin": "00614141123452", "serial": str(number)}
    plain |= {"state": "unpaid", "reason": "unpaid_exit", "certainty": 0.98, "decided_at": 0.0}
    return Item(**(plain | fields))
