"""People's answers in the database: stored before they are judged, judged once, and the judgement kept for whoever asks again."""

import msgspec
from sqlalchemy import Connection, insert, select, update

from rfidguard import audit
from rfidguard.effects import AnswerJudged
from rfidguard.events import Answer, heard_at
from rfidguard.schema import answers
from rfidguard.upsert import insert_once

_decoder = msgspec.json.Decoder(Answer)


def store_answer(conn: Connection, answer: Answer) -> bool:
    """Stores an answer, not judged yet. False (and nothing changed) where this person sent this id before."""
    row = {"by": answer.by, "id": answer.id, "received_at": heard_at(answer), "body": msgspec.json.encode(answer)}
    return insert_once(conn, answers, row)


def judgement(conn: Connection, by: str, answer_id: str) -> AnswerJudged | None:
    """What `by` was told about this answer; None where it is unknown or not judged yet."""
    statement = select(answers.c.status, answers.c.reason).where(answers.c.by == by, answers.c.id == answer_id)
    row = conn.execute(statement).first()
    return None if row is None or row.status is None else AnswerJudged(answer_id, by, row.status, row.reason)


def stored_answer(conn: Connection, by: str, answer_id: str) -> Answer | None:
    """The answer as it was first sent."""
    body = conn.execute(select(answers.c.body).where(answers.c.by == by, answers.c.id == answer_id)).scalar()
    return None if body is None else _decoder.decode(body)


def store_judgement(conn: Connection, judged: AnswerJudged) -> bool:
    """Keeps the core's verdict; the first one stands. False where there was nothing to judge."""
    open_answer = (answers.c.by == judged.by) & (answers.c.id == judged.id) & answers.c.status.is_(None)
    done = conn.execute(update(answers).where(open_answer).values(status=judged.status, reason=judged.reason))
    return done.rowcount > 0


def store_judged_answer(conn: Connection, answer: Answer, judged: AnswerJudged) -> None:
    """Stores an answer together with its verdict."""
    row = {"by": answer.by, "id": answer.id, "received_at": heard_at(answer), "body": msgspec.json.encode(answer)}
    conn.execute(insert(answers).values(**row, status=judged.status, reason=judged.reason))


def unjudged(conn: Connection, limit: int = 500) -> list[Answer]:
    """The answers that wait for a verdict, oldest first."""
    statement = select(answers.c.body).where(answers.c.status.is_(None)).order_by(answers.c.received_at).limit(limit)
    return [_decoder.decode(body) for body in conn.execute(statement).scalars()]


def audit_answer(conn: Connection, answer: Answer | None, judged: AnswerJudged, at: float) -> None:
    """One row of the audit trail. `answer` None: what came could not be read as one. `at`: when it was judged."""
    said = (
        {} if answer is None else {"at": answer.at, "outcome": answer.outcome, "note": answer.note, "items": list(answer.items)}
    )
    entry = audit.Entry(
        at=at,
        kind="answer",
        who=judged.by,
        what="" if answer is None else answer.alarm,
        action="" if answer is None else answer.action,
        result=judged.status,
        reason=judged.reason or "",
        detail={"id": judged.id} | {name: value for name, value in said.items() if value},
    )
    audit.append(conn, entry)
