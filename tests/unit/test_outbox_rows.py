"""What a transition puts on the wire."""

import json

from alarms import T0, a_change, an_alarm

from rfidguard.outbox import EVENT_EXPIRY_S, index_message, rows_for


def test_a_raised_alarm_rings_and_stands() -> None:
    alarm = an_alarm()
    event, state = rows_for(a_change(alarm))
    assert (event.topic, event.retain, event.expiry_s) == ("event/alarm", False, EVENT_EXPIRY_S)
    assert (state.topic, state.retain, state.expiry_s) == (f"alarm/{alarm.id}", True, None)


def test_the_event_is_the_alarm_with_its_transition() -> None:
    event, state = rows_for(a_change(an_alarm()))
    body = json.loads(event.payload)
    assert body.pop("event_type") == "raised"
    assert body.pop("event_at") == "2027-01-15T08:00:00.000Z"
    assert body == json.loads(state.payload)


def test_a_closed_alarm_is_emptied() -> None:
    event, state = rows_for(a_change(an_alarm(state="resolved", revision=2), "resolved"))
    assert json.loads(event.payload)["state"] == "resolved"
    assert (state.payload, state.retain) == (b"", True)


def test_an_acknowledged_alarm_still_stands() -> None:
    _, state = rows_for(a_change(an_alarm(state="acknowledged"), "acknowledged"))
    assert json.loads(state.payload)["state"] == "acknowledged"


def test_nothing_is_published_of_an_alarm_that_no_handheld_is_to_hear() -> None:
    assert rows_for(a_change(an_alarm(), notify=False)) == []


def test_an_unnotified_closing_takes_the_alarm_off_the_broker_without_ringing() -> None:
    rows = rows_for(a_change(an_alarm(state="resolved"), "resolved", notify=False))
    assert [(row.topic.split("/")[0], row.payload) for row in rows] == [("alarm", b"")]


def test_the_index_tells_the_highest_severity_and_the_oldest_first() -> None:
    late, early = an_alarm(1, T0 + 5, severity="critical"), an_alarm(2, T0, severity="info")
    assert index_message([late, early]) == {"open": 2, "severity": "critical", "ids": [early.id, late.id]}


def test_a_closed_alarm_is_not_in_the_index() -> None:
    assert index_message([an_alarm(state="resolved"), an_alarm(2)])["ids"] == [an_alarm(2).id]


def test_the_index_of_nothing_says_so() -> None:
    assert index_message([]) == {"open": 0, "severity": None, "ids": []}


def test_the_same_change_gives_the_same_bytes() -> None:
    assert rows_for(a_change(an_alarm())) == rows_for(a_change(an_alarm()))
