"""Where people's answers to alarms come in: checked, stored, told to the core, and the verdict handed back to who asked."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from sqlalchemy import Connection

from rfidguard import crash_points
from rfidguard.answer_db import audit_answer, judgement, store_answer, store_judgement, stored_answer, unjudged
from rfidguard.answer_document import MAX_OFF_S, claimed_id, read_answer
from rfidguard.answer_limits import RATE_LIMITED, AnswerLimits
from rfidguard.clock import Clock
from rfidguard.dead_letter import bury
from rfidguard.driver import Emit
from rfidguard.effects import AnswerJudged
from rfidguard.errors import RefusedInput
from rfidguard.events import Answer
from rfidguard.store import FOR_EVER, Store

log = logging.getLogger(__name__)

Verdict = Future[AnswerJudged]

_NOT_KEPT = ("retained", RATE_LIMITED)
"""The broker sends retained messages again on every connect, and a flood must not wash away what is kept of others."""


class AnswerDesk:
    """Any thread may hand in answers; the core's own thread hands back verdicts."""

    def __init__(self, store: Store, emit: Emit, clock: Clock, ahead_s: Callable[[], float] = lambda: 0.0) -> None:
        """`ahead_s`: by how much `clock` is known to be ahead of true time (SystemClock.ahead_s)."""
        self._limits = AnswerLimits(clock)
        self._ahead_s = ahead_s
        self._store = store
        self._emit = emit
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], Verdict] = {}
        self.rejects: Counter[str] = Counter()

    def submit(self, payload: bytes, by: str, retained: bool = False, alarm: str | None = None) -> Verdict:
        """Takes one answer of `by` (topic level or login; never read from the payload).

        Returns once it is stored, so do not call it on a thread that must not wait (paho's). The future holds the verdict,
        at once for what is refused here and for what was judged before; it is done on the writer's thread. `alarm`: the one
        that the address names, if it does. Raises StoreUnavailable where nothing can be stored now: do not confirm it.
        """
        if retained:
            return self._refuse(payload, by, RefusedInput("retained", "retained"))
        try:
            answer = self._read(payload, by, alarm)
        except RefusedInput as error:
            return self._said_before(payload, by, error) or self._refuse(payload, by, error)
        return self._take(answer)

    def judged(self, effect: AnswerJudged) -> None:
        """The core's verdict: stored first, then told. Does not wait."""
        crash_points.reached("answer_judged")
        stored = self._store.write(partial(_store_verdict, judged=effect, at=self._clock.now()), FOR_EVER)
        stored.add_done_callback(partial(self._tell, effect))

    def pending(self) -> int:
        """Tells the core of every stored answer that nobody judged: after a restart, and of answers left by a command.

        Returns how many. Cheap enough to call every few hundred milliseconds.
        """
        found = [answer for answer in self._store.read(unjudged) if self._claim(answer)]
        return sum(self._resume(answer) for answer in found)

    def _read(self, payload: bytes, by: str, alarm: str | None) -> Answer:
        """Raises RefusedInput. What cannot be read counts as a person's: their allowance is the smaller one."""
        try:
            answer = read_answer(payload, by, self._clock.now(), alarm, max_off_s=MAX_OFF_S, ahead_s=self._ahead_s())
        except RefusedInput:
            self._limits.check(by)
            raise
        self._limits.check(by, answer.action == "received")
        return answer

    def _said_before(self, payload: bytes, by: str, error: RefusedInput) -> Verdict | None:
        """The verdict of an answer that was in time when it came first: a repeat changes nothing, however late."""
        if error.reason != "stale":
            return None
        before = self._store.read(partial(judgement, by=by, answer_id=claimed_id(payload)))
        if before is None:
            return None
        verdict: Verdict = Future()
        verdict.set_result(before)
        return verdict

    def _take(self, answer: Answer) -> Verdict:
        key = (answer.by, answer.id)
        with self._lock:
            known = self._waiting.get(key)
            if known is not None:
                return known
            verdict = self._waiting[key] = Future()
        try:
            first, before = self._store.write(partial(_store_once, answer=answer)).result()
        except BaseException as error:
            if self._forget(key) is not None:
                verdict.set_exception(error)
            raise
        crash_points.reached("answer_after_store")
        if before is None:
            self._emit(first)
        elif self._forget(key) is not None:  # else it was told in the same moment
            verdict.set_result(before)
        return verdict

    def _claim(self, answer: Answer) -> bool:
        """True where this answer is not on its way to the core already."""
        new: Verdict = Future()
        with self._lock:
            return self._waiting.setdefault((answer.by, answer.id), new) is new

    def _resume(self, answer: Answer) -> bool:
        """Emits a claimed answer, unless its verdict was stored between the look and the claim."""
        before = self._store.read(partial(judgement, by=answer.by, answer_id=answer.id))
        if before is None:
            self._emit(answer)
            return True
        verdict = self._forget((answer.by, answer.id))
        if verdict is not None:
            verdict.set_result(before)
        return False

    def _forget(self, key: tuple[str, str]) -> Verdict | None:
        with self._lock:
            return self._waiting.pop(key, None)

    def _tell(self, effect: AnswerJudged, stored: "Future[bool]") -> None:
        verdict = self._forget((effect.by, effect.id))
        if verdict is None or verdict.done():
            return
        error = stored.exception()
        if error is None:
            verdict.set_result(effect)
        else:
            verdict.set_exception(error)

    def _refuse(self, payload: bytes, by: str, error: RefusedInput) -> Verdict:
        self.rejects[error.reason] += 1
        log.warning("answer of %.64r refused (%s): %s", by, error.reason, error, extra={"user": by[:64]})
        if error.reason not in _NOT_KEPT or (error.reason == RATE_LIMITED and self._limits.is_news(by)):
            self._store.write(partial(_store_refusal, payload=payload, by=by, error=error, at=self._clock.now()))
        verdict: Verdict = Future()
        reason = error.reason if str(error) == error.reason else f"{error.reason}: {error}"
        verdict.set_result(AnswerJudged(claimed_id(payload), by, "rejected", reason))
        return verdict


def _store_once(conn: Connection, answer: Answer) -> tuple[Answer, AnswerJudged | None]:
    """The answer as first sent under this id, and its verdict if there is one."""
    if store_answer(conn, answer):
        return answer, None
    first = stored_answer(conn, answer.by, answer.id) or answer
    return first, judgement(conn, answer.by, answer.id)


def _store_verdict(conn: Connection, judged: AnswerJudged, at: float) -> bool:
    fresh = store_judgement(conn, judged)
    if fresh:
        audit_answer(conn, stored_answer(conn, judged.by, judged.id), judged, at)
    return fresh


def _store_refusal(conn: Connection, payload: bytes, by: str, error: RefusedInput, at: float) -> None:
    bury(conn, source=f"answer:{by}", reason=error.reason, detail=str(error), payload=payload, at=at)
    audit_answer(conn, None, AnswerJudged(claimed_id(payload), by, "rejected", f"{error.reason}: {error}"), at)
