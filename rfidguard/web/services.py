"""What the web server needs from the daemon, and nothing more. The daemon satisfies it; so do the tests, on real parts."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol

from rfidguard.alarm import Alarm
from rfidguard.clock import Clock
from rfidguard.effects import AnswerJudged
from rfidguard.feeds.capture import CaptureReply, OwnsLane
from rfidguard.feeds.feed_desk import HookReply
from rfidguard.intake import SaleReply
from rfidguard.metrics import Family
from rfidguard.web.live import Subscription


class Services(Protocol):
    """Every method may be called from any thread. Each may raise StoreUnavailable (or any RfidguardError): answered with 503."""

    @property
    def clock(self) -> Clock: ...

    def take_sale(self, payload: bytes, source: str, lane: str | None) -> SaleReply:
        """Stores one sale document; returns only after its commit."""
        ...

    def take_capture(self, payload: bytes, source: str, lane: str | None, proceed: bool) -> CaptureReply:
        """Stores an EPCIS document of `lane`; `proceed`: the good events of one that has bad ones too."""
        ...

    def take_poslog(self, payload: bytes, source: str, owns_lane: OwnsLane) -> CaptureReply:
        """Stores what a POSLog document says of lanes that `owns_lane` allows."""
        ...

    def take_hook(self, feed: str, headers: Mapping[str, str], payload: bytes) -> HookReply:
        """Stores what a shop system's webhook says; names of headers are lower case."""
        ...

    def submit_answer(self, payload: bytes, by: str) -> Future[AnswerJudged]:
        """Stores a person's answer; the future holds the core's judgement."""
        ...

    def list_alarms(self, include_closed: bool, limit: int) -> list[Alarm]:
        """Newest first."""
        ...

    def get_alarm(self, alarm_id: str) -> Alarm | None: ...

    def subscribe(self) -> Subscription:
        """Every change of an alarm from now on. Called on the web server's event loop only; see Broadcast."""
        ...

    def health(self) -> Mapping[str, Any]:
        """What the MQTT topic `health` says."""
        ...

    def ready(self) -> tuple[bool, Mapping[str, str]]:
        """Whether everything that is configured works, and per part that does not: why."""
        ...

    def counters(self) -> Iterable[Family]:
        """The daemon's numbers for /metrics."""
        ...
