"""The demo as a newcomer runs it, and its broker on a machine that has none."""

import subprocess
from pathlib import Path

import pytest
from storefront import ROOT, program
from wait import wait_for

from simulators.demo import broker as demo_broker
from simulators.handheld import Script, SimHandheld
from simulators.mqtt_client import Login
from simulators.ports import free_port


def test_demo_ends_with_truth_and_alarms_in_agreement(tmp_path: Path) -> None:
    command = [*program(), "demo", "--seconds", "18", "--dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "rfidguard.log").read_text()
    assert "staff page http://127.0.0.1:" in done.stdout
    assert "raised unpaid_items" in done.stdout
    assert "light (pin 1) ON" in done.stdout
    assert "3 of 3 agree" in done.stdout


def test_embedded_broker_carries_messages_where_mosquitto_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(demo_broker, "BESIDE_PATH", ())
    broker = demo_broker.DemoBroker(tmp_path, free_port())
    assert (broker.name, broker.protocol) == ("amqtt (embedded)", "3.1.1")
    broker.start()
    try:
        login = Login(f"mqtt://127.0.0.1:{broker.port}", protocol=broker.protocol)
        first, second = (SimHandheld(login, user, Script(received=False)) for user in ("staff-1", "staff-2"))
        first.start()
        second.start()
        wait_for(lambda: first.connected() and second.connected(), what="both handhelds")
        second.stop()
        first.stop()
    finally:
        broker.stop()
