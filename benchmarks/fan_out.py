"""Fan-out: so many handhelds hear so many alarms raised within a second. From the alarm's commit to each handheld's receipt.

    python -m benchmarks.fan_out [--handhelds 50] [--alarms 100]

The real store, outbox, MQTT thread and broker; the alarms are made here, at even distances over one second.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.processes import Listeners, broker
from benchmarks.table import percentile, write
from rfidguard.alarm import Alarm, Item, alarm_id
from rfidguard.alarm_db import open_alarms, store_change
from rfidguard.clock import SystemClock
from rfidguard.config import Config
from rfidguard.effects import AlarmChanged
from rfidguard.messages import info_message
from rfidguard.mqtt_link import MqttLink
from rfidguard.outbox import rows_for
from rfidguard.store import Store

TOPIC = "rfidguard/0001/event/alarm"
PATIENCE_S = 60.0


class Nobody:
    """Takes what comes in from the broker: nothing does."""

    def __getattr__(self, _name: str) -> Callable[..., Any]:
        return lambda *_: None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--handhelds", type=int, default=50)
    parser.add_argument("--alarms", type=int, default=100)
    given = parser.parse_args()
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        served = broker(Path(folder))
        config = Config.model_validate({
            "site": {"id": "0001"},
            "database": {"url": f"sqlite:///{folder}/rfidguard.db"},
            "mqtt": {"url": f"mqtt://127.0.0.1:{served.port}"},
        })  # fmt: skip
        try:
            with Store(config.database.url, clock) as store:
                link = MqttLink(config, store, clock, Nobody(), info_message(config))  # type: ignore[arg-type]
                link.start()
                listeners = Listeners(served.port, TOPIC, given.handhelds)
                _wait(lambda: link.connected)
                committed = raised(store, clock, given.alarms)
                _wait(lambda: link.health()["outbox"]["depth"] == 0)
                _wait(lambda: listeners.count() >= given.handhelds * given.alarms)
                cpu = time.process_time()
                link.stop()
                heard = listeners.heard()
        finally:
            served.stop()
    _show(given.handhelds, given.alarms, committed, heard, cpu)


def raised(store: Store, clock: SystemClock, count: int) -> dict[str, float]:
    """Raises so many alarms over a second; when each was handed to the store, by its id."""
    at: dict[str, float] = {}
    start = clock.monotonic()
    known: list[Alarm] = list(store.read(open_alarms))
    for number in range(count):
        time.sleep(max(0.0, start + number / count - clock.monotonic()))
        alarm = _alarm(number, clock.now())
        change = AlarmChanged(alarm, "raised", clock.now())
        rows = rows_for(change, known)
        known.append(alarm)
        at[alarm.id] = clock.now()
        store.write(lambda conn, change=change, rows=rows: store_change(conn, change, rows))
    return at


def _alarm(number: int, now: float) -> Alarm:
    epc = f"3034257BF400{number:012X}"
    item = Item(epc=epc, state="unpaid", reason="unpaid_exit", certainty=0.98, decided_at=now)
    return Alarm(
        id=alarm_id(now, "0001", "front", epc, now), revision=1, site="0001", gate="front", kind="unpaid_items",
        state="open", severity="warning", raised_at=now, updated_at=now, items=(item,), currency="EUR",
    )  # fmt: skip


def _wait(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > until:
            raise SystemExit(f"not done within {PATIENCE_S:.0f} s")
        time.sleep(0.01)


def _show(handhelds: int, alarms: int, at: dict[str, float], heard: list[tuple[int, float, dict[str, Any]]], cpu: float) -> None:
    first: dict[tuple[int, str], float] = {}
    for who, when, body in heard:
        first.setdefault((who, body["id"]), when)
    late = [(when - at[alarm]) * 1e3 for (_, alarm), when in first.items()]
    rows = [
        ("alarms heard, of those raised, over all handhelds", f"{len(first):,} of {handhelds * alarms:,}", "all"),
        ("messages heard more than once", f"{len(heard) - len(first)}", "-"),
        ("store to handheld: p50 / p99 / max", " / ".join(f"{v:.0f}" for v in _spread(late)) + " ms", "-"),
        ("CPU of store, outbox and MQTT thread in all", f"{cpu:.2f} s", "-"),
    ]
    write("fan-out", f"{alarms} alarms in a second to {handhelds} handhelds", rows, "One mosquitto, everything on this machine.")


def _spread(values: list[float]) -> tuple[float, float, float]:
    return percentile(values, 0.5), percentile(values, 0.99), max(values, default=0.0)


if __name__ == "__main__":
    main()
