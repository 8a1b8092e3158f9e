"""One LLRP session on one link: questions and their answers, keepalives, and the watch over a silent reader."""

from collections import Counter
from collections.abc import Callable, Generator
from typing import TypeVar

from drivers.llrp import messages
from drivers.llrp.frames import Frame, Framer
from drivers.llrp.link import Link, Stopped
from drivers.llrp.messages import Answer, Request
from rfidguard.clock import Clock
from rfidguard.driver import Stop
from rfidguard.errors import DeviceLost

T = TypeVar("T")
Hear = Callable[[Frame, float], None]
"""Called with each report or notification and the Unix time of its receipt."""

POLL_S = 0.02
GATHER_S = 0.01
"""Each wake-up costs as much as ten reads. A gate is judged ten times a second: this is a tenth of that."""
MISSES = 3
FAREWELL_S = 0.5
"""How long a reader may take to agree to the end of the session."""

_PROBE_AFTER = 1.5
_ANSWERS = frozenset(messages.ANSWER_OF.values()) - {messages.CUSTOM_MESSAGE}


class Session:
    """Sends, receives, sorts. Reports and notifications go to `hear`; `settled` is called once all that had come was heard."""

    def __init__(
        self, link: Link, clock: Clock, stop: Stop, hear: Hear, settled: Callable[[], None], rejects: Counter[str]
    ) -> None:
        self.version = 1
        self.heard_at = clock.monotonic()
        self._link = link
        self._clock = clock
        self._stop = stop
        self._hear = hear
        self._settled = settled
        self._rejects = rejects
        self._framer = Framer(rejects)
        self._number = 0
        self._asked: tuple[Request, int] | None = None
        self._answer: Answer | None = None
        self._abandoned: dict[int, int] = {}
        """Number of a question given up -> type of the answer that may still come."""
        self._told: dict[int, int | None] = {}
        self._probed_at = 0.0
        self._received_at = -GATHER_S
        self._ending = False

    def talk(self, dialogue: Generator[Request, Answer, T]) -> T:
        """Puts a dialogue's questions to the reader one by one; its return value. Raises DeviceLost or Stopped."""
        try:
            request = next(dialogue)
            while True:
                request = dialogue.send(self.ask(request))
        except StopIteration as end:
            result: T = end.value
            return result

    def ask(self, request: Request) -> Answer:
        """The answer to one question, or silence when its time is up; reports are heard meanwhile. Raises as pump does."""
        number = self._send(request.kind, request.body, request.version)
        self._asked = request, number
        deadline = self._clock.monotonic() + request.timeout_s
        try:
            while (left := deadline - self._clock.monotonic()) > 0:
                self.pump(min(left, POLL_S))
                answer = self._answer
                if answer is not None:
                    return answer
            self._abandoned[number] = messages.ANSWER_OF[request.kind]
            return Answer()
        except Stopped:
            self._told[number] = messages.ANSWER_OF[request.kind]  # its answer may still come before the farewell's
            raise
        finally:
            self._asked = self._answer = None

    def tell(self, kind: int, body: bytes = b"") -> None:
        """Sends a message to which no answer is awaited; one that comes all the same is no surprise."""
        self._told[self._send(kind, body)] = messages.ANSWER_OF.get(kind)

    def gather(self, timeout_s: float) -> None:
        """As `pump`, for a reader that sends each tag by itself: what comes within GATHER_S of the last is heard as one."""
        left = self._received_at + GATHER_S - self._clock.monotonic()
        if left > 0:
            self._stop.wait(min(left, GATHER_S))
        self.pump(timeout_s)

    def pump(self, timeout_s: float) -> None:
        """Hears what has come, waiting up to `timeout_s` for it. Raises DeviceLost, or Stopped once the driver is to end."""
        if self._stop.is_set() and not self._ending:
            raise Stopped
        data = self._link.receive(timeout_s)
        if not data:
            return
        received, self._received_at = self._clock.now(), self._clock.monotonic()
        frames = self._framer.feed(data)
        if frames:
            self.heard_at = self._received_at
        for frame in frames:
            self._sort(frame, received)
        self._settled()
        if self._framer.fault is not None:
            raise DeviceLost(f"the reader sends garbled data ({self._framer.fault})")

    def watch(self, keepalive_s: float) -> None:
        """Asks a silent reader for a sign of life; raises DeviceLost after three keepalives without any."""
        now = self._clock.monotonic()
        silence_s = now - self.heard_at
        if silence_s >= MISSES * keepalive_s:
            raise DeviceLost(
                f"the reader has been silent for {silence_s:.1f} s: {MISSES} keepalives missed (cable, power or network?)"
            )
        if silence_s >= _PROBE_AFTER * keepalive_s and self._probed_at < self.heard_at:
            self._probed_at = now
            self.tell(messages.GET_READER_CONFIG, messages.config_request(messages.CONFIG_STATE_VALUE))

    def farewell(self, last_words: list[Request]) -> None:
        """Undoes what was done and closes the session by the book, one by one (some readers lose messages sent in a row)."""
        self._ending = True
        try:
            for request in last_words:
                if self.ask(request).silent:
                    break
            agreed = not self.ask(Request(messages.CLOSE_CONNECTION, b"", "closing", FAREWELL_S)).silent
        except DeviceLost:
            agreed = False
        if not agreed:
            self._rejects["unclean_end"] += 1

    def close(self) -> None:
        """Drops the connection; a message that never became whole is counted."""
        self._framer.end()
        self._link.close()

    def _send(self, kind: int, body: bytes, version: int | None = None) -> int:
        self._number += 1
        self._link.send(messages.message(kind, self._number, body, version or self.version))
        return self._number

    def _sort(self, frame: Frame, received: float) -> None:
        if frame.kind in (messages.RO_ACCESS_REPORT, messages.READER_EVENT_NOTIFICATION):
            self._hear(frame, received)
        elif frame.kind == messages.KEEPALIVE:
            self._link.send(messages.message(messages.KEEPALIVE_ACK, frame.id, version=self.version))
        elif frame.kind == messages.ERROR_MESSAGE:
            self._sort_error(frame)
        elif self._answers(frame):
            self._answer = Answer(frame, messages.status_of(frame))
        elif self._told.get(frame.id) == frame.kind:
            del self._told[frame.id]
        else:
            self._rejects[self._reason(frame)] += 1

    def _answers(self, frame: Frame) -> bool:
        """True for the answer to what is being asked. Some readers number their answers as they like: the type must do."""
        if self._asked is None or self._answer is not None:
            return False
        request, number = self._asked
        if frame.kind != messages.ANSWER_OF[request.kind]:
            return False
        if frame.kind in (self._abandoned.get(frame.id), self._told.get(frame.id)):
            return False
        if frame.id != number and frame.kind == messages.CUSTOM_MESSAGE:
            return False
        if frame.id != number:
            self._rejects["answer_with_wrong_id"] += 1
        return True

    def _sort_error(self, frame: Frame) -> None:
        """An error belongs to the question being asked unless its number says otherwise."""
        theirs = frame.id in self._abandoned or frame.id in self._told
        if self._asked is not None and self._answer is None and not theirs:
            self._answer = Answer(frame, messages.status_of(frame))
        else:
            self._told.pop(frame.id, None)
            self._rejects["error_message"] += 1

    def _reason(self, frame: Frame) -> str:
        if self._abandoned.get(frame.id) == frame.kind:
            return "late_answer"
        if frame.kind in _ANSWERS:
            return "unexpected_answer"
        return "vendor_message" if frame.kind == messages.CUSTOM_MESSAGE else "unknown_message"
