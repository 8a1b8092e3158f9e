"""How the site stands now, as gauges for /metrics: open alarms, what waits to be told, who listens, how fresh the ledger is."""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from rfidguard import audit
from rfidguard.core_state import CoreState
from rfidguard.intake import last_sales
from rfidguard.metrics import Family, gauge
from rfidguard.mqtt_link import MqttLink
from rfidguard.schema import alarms
from rfidguard.store import Store, StoreUnavailable


def site_gauges(store: Store, link: MqttLink, state: CoreState, reasons: Mapping[str, str], now: float) -> list[Family]:
    """`reasons`: what does not work, by part. What only the database knows is absent while it cannot be read."""
    stray = {gate: float(sum(not track.gone for track in list(tracks.values()))) for gate, tracks in state.tracks.items()}
    return [
        gauge("rfidguard_trouble", "1 for every part that does not work as it should.", dict.fromkeys(reasons, 1.0), "part"),
        gauge("rfidguard_tags_in_view", "Tags that a gate hears now.", stray, "gate"),
        gauge("rfidguard_handhelds", "Handhelds that are online.", float(len(link.handhelds()))),
        gauge("rfidguard_database_up", "1 while the database commits.", float(store.healthy())),
        gauge("rfidguard_database_waiting", "Jobs that wait for the database.", float(store.waiting())),
        *_stored(store, link, now),
    ]


def _stored(store: Store, link: MqttLink, now: float) -> list[Family]:
    try:
        outbox = link.health()["outbox"]
        states = store.read(_alarm_states)
        newest = max(store.read(last_sales).values(), default=None)
        rows = store.read(audit.head).rows
    except StoreUnavailable:
        return []
    waits_s = outbox["oldest_age_s"] or 0.0
    return [
        gauge("rfidguard_alarms_open", "Alarms that are open or acknowledged.", states, "state"),
        gauge("rfidguard_outbox_depth", "Messages that wait for the broker.", float(outbox["depth"])),
        gauge("rfidguard_outbox_oldest_seconds", "How long the oldest of them has waited.", waits_s),
        gauge("rfidguard_outbox_parked", "Messages that the broker refuses.", float(sum(outbox["parked"].values()))),
        gauge("rfidguard_audit_rows", "Rows of the audit trail; it never shrinks.", float(rows)),
        *([gauge("rfidguard_last_sale_age_seconds", "Since the newest sale came in.", max(now - newest, 0.0))] if newest else []),
    ]


def _alarm_states(conn: Connection) -> dict[str, float]:
    statement = select(alarms.c.state, func.count()).where(alarms.c.state.in_(("open", "acknowledged"))).group_by(alarms.c.state)
    counted = Counter({row[0]: row[1] for row in conn.execute(statement)})
    return {state: float(counted[state]) for state in ("open", "acknowledged")}
