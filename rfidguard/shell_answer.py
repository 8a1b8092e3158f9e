"""Answers an alarm from outside the daemon: through the daemon where one runs, else judged here by the same rules."""

import json
import threading
import uuid
from functools import partial
from typing import Any

from sqlalchemy import Connection

from rfidguard.alarm_db import get_alarm, store_change
from rfidguard.answer import judge_answer
from rfidguard.answer_db import audit_answer, judgement, store_answer, store_judged_answer
from rfidguard.answer_document import read_answer
from rfidguard.clock import Clock
from rfidguard.effects import AlarmChanged, AnswerJudged
from rfidguard.errors import ConfigError, RefusedInput, RfidguardError
from rfidguard.events import Answer
from rfidguard.outbox import rows_for
from rfidguard.service_db import DAEMON, is_alive
from rfidguard.store import Store

VERDICT_WITHIN_S = 3.0
LOOK_EVERY_S = 0.05


def give_answer(store: Store, clock: Clock, alarm: str, body: dict[str, Any], by: str) -> AnswerJudged:
    """Answers `alarm` as `by` with `body` (action, outcome, note, items of the answer document); returns the verdict.

    Raises ConfigError for a body that is no answer, RfidguardError where a running daemon gives no verdict in time: the
    answer then stays and is judged later.
    """
    now = clock.now()
    payload = json.dumps({"id": str(uuid.uuid4()), **body}).encode()
    try:
        answer = read_answer(payload, by, now, alarm)
    except RefusedInput as error:
        raise ConfigError([str(error)]) from error
    judged = store.write(partial(_judge_or_leave, answer=answer, now=now)).result()
    return judged or _await_verdict(store, clock, answer)


def _judge_or_leave(conn: Connection, answer: Answer, now: float) -> AnswerJudged | None:
    """In one transaction: leaves the answer to the daemon that is there, or gives the verdict and stores all that it changes."""
    if is_alive(conn, DAEMON, now):
        store_answer(conn, answer)
        return None
    changed, event_type, judged = judge_answer(get_alarm(conn, answer.alarm), answer, now)
    store_judged_answer(conn, answer, judged)
    audit_answer(conn, answer, judged, now)
    if changed is not None and event_type is not None:
        change = AlarmChanged(changed, event_type, now)
        store_change(conn, change, rows_for(change))
    return judged


def _await_verdict(store: Store, clock: Clock, answer: Answer) -> AnswerJudged:
    deadline = clock.monotonic() + VERDICT_WITHIN_S
    pause = threading.Event()
    while clock.monotonic() < deadline:
        found = store.read(partial(judgement, by=answer.by, answer_id=answer.id))
        if found is not None:
            return found
        pause.wait(LOOK_EVERY_S)
    raise RfidguardError(f"the daemon gave no verdict within {VERDICT_WITHIN_S:.0f} s; the answer is stored and will be judged")
