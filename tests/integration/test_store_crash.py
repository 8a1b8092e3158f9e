"""A power cut as far as a test can make one: what was confirmed before SIGKILL is there afterwards."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from rfidguard.clock import SystemClock
from rfidguard.events import Event
from rfidguard.intake import take_sale
from rfidguard.ledger_db import export_records
from rfidguard.store import Store

ROOT = Path(__file__).parents[2]
TILL = """
import json, sys
from rfidguard.clock import SystemClock
from rfidguard.intake import take_sale
from rfidguard.store import Store
with Store(sys.argv[1], SystemClock()) as store:
    for number in range(100_000):
        lines = [{"gtin": "00614141123452"}, {"gtin": "00614141123452"}]
        body = {"id": f"D{number}", "at": "2026-11-22T10:14:02Z", "kind": "sale", "lines": lines}
        reply = take_sale(store, json.dumps(body).encode(), source="s", lane="1", now=1.9e9, emit=lambda event: None)
        print(number, reply.status, flush=True)
"""


def test_every_confirmed_sale_outlives_sigkill_and_no_sale_is_half(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    program = subprocess.Popen([sys.executable, "-c", TILL, url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    confirmed = [next(program.stdout).split() for _ in range(200)]
    program.send_signal(signal.SIGKILL)
    confirmed += [line.split() for line in program.stdout if line.endswith("stored\n")]
    program.wait(20)
    program.stdout.close()
    heard: list[Event] = []
    with Store(url, SystemClock()) as store:
        kept = {record.id for record in store.read(lambda conn: list(export_records(conn)))}
        last = confirmed[-1][0]
        body = {"id": f"D{last}", "at": "2026-11-22T10:14:02Z", "kind": "sale", "lines": [{"gtin": "00614141123452"}] * 2}
        again = take_sale(store, json.dumps(body).encode(), source="s", lane="1", now=1.9e9, emit=heard.append)
    assert {f"D{number}/{line}" for number, _ in confirmed for line in (1, 2)} <= kept
    assert {name.replace("/1", "/2") for name in kept if name.endswith("/1")} == {name for name in kept if name.endswith("/2")}
    assert again.status == "duplicate"
    assert heard == []
