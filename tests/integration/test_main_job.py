"""The main job, live, on real wires: the daemon as a process, a real broker, a simulated reader over TCP."""

import json
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

from conftest import Broker
from mqtt_site import ROOT, Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from storefront import StoreFront, raised
from wait import wait_for
from walks import leave, own, stand

from simulators.handheld import Script

ITEM = own(1)


def test_unpaid_item_rings_the_handheld_and_lights_the_gate(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        handheld = front.handheld()
        front.ready()
        front.play([*leave(ITEM), *stand(own(2), 8)])
        wait_for(lambda: raised(handheld), 30, "the alarm")
        wait_for(lambda: front.lights, 10, "the light")
        decided_at = datetime.fromisoformat(raised(handheld)[0]["raised_at"]).timestamp()
        assert front.lights[0][0] - decided_at < 3.0
        assert [item["epc"] for item in raised(handheld)[0]["items"]] == [ITEM]


def test_paid_item_leaves_silently(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        handheld, till = front.handheld(), front.till()
        assert till.sell([ITEM])["status"] == "stored"
        front.ready()
        front.play([*leave(ITEM), *leave(own(2), at=4.0)])
        wait_for(lambda: raised(handheld), 30, "the alarm of the other item")
        assert {item["epc"] for alarm in raised(handheld) for item in alarm["items"]} == {own(2)}


def test_open_alarm_is_retained_and_emptied_when_resolved(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        handheld = front.handheld()
        front.ready()
        front.play(leave(ITEM))
        wait_for(lambda: raised(handheld), 30, "the alarm")
        name = raised(handheld)[0]["id"]
        late = front.handheld("staff-2", Script(received=False))
        wait_for(lambda: name in late.open, what="the retained alarm")
        handheld.answer(name, "resolve", "recovered")
        wait_for(lambda: name not in late.open, what="the emptied alarm")
        wait_for(
            lambda: [heard.body["outcome"] for heard in handheld.events if heard.body][-1] == "recovered", what="the outcome"
        )


def test_second_person_is_told_who_was_first(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        first, second = front.handheld(), front.handheld("staff-2")
        front.ready()
        front.play(leave(ITEM))
        wait_for(lambda: raised(first) and raised(second), 30, "the alarm")
        name = raised(first)[0]["id"]
        mine = first.answer(name, "acknowledge")
        wait_for(lambda: mine in first.replies, what="the first reply")
        theirs = second.answer(name, "acknowledge")
        wait_for(lambda: theirs in second.replies, what="the second reply")
        assert first.replies[mine]["status"] == "accepted"
        assert second.replies[theirs] == {"id": theirs, "status": "rejected", "reason": "already acknowledged by staff-1"}


def test_light_works_with_the_broker_dead_and_the_alarm_follows(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        handheld = front.handheld()
        front.ready()
        mosquitto.kill()
        front.play(leave(ITEM))
        wait_for(lambda: front.lights, 30, "the light")
        mosquitto.start()
        wait_for(lambda: raised(handheld), 30, "the alarm after the broker's return")


def test_daemon_killed_in_the_middle_of_a_passage_still_rings(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        handheld = front.handheld()
        front.ready()
        start = front.play(leave(ITEM, speed=0.8))
        wait_for(lambda: front.clock.now() > start + 2.5, 30, "half the passage")
        front.kill()
        front.start()
        wait_for(lambda: raised(handheld), 30, "the alarm after the restart")
        assert [item["epc"] for item in raised(handheld)[0]["items"]] == [ITEM]


def test_open_alarm_survives_a_killed_daemon_under_its_id(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        handheld = front.handheld()
        front.ready()
        front.play(leave(ITEM))
        wait_for(lambda: raised(handheld), 30, "the alarm")
        name = raised(handheld)[0]["id"]
        front.kill()
        front.start()
        mine = handheld.answer(name, "acknowledge")
        wait_for(lambda: mine in handheld.replies, 30, "the reply")
        assert handheld.replies[mine]["status"] == "accepted"
        assert len(raised(handheld)) == 1


def test_rebooted_reader_is_read_again_and_rings(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        handheld = front.handheld()
        front.ready()
        assert front.reader is not None
        front.reader.reboot(1.0, False)
        wait_for(lambda: not front.reader or not front.reader.connected, what="the reboot")
        wait_for(lambda: front.reader is not None and front.reader.inventorying, 20, "the inventory after the reboot")
        front.play(leave(ITEM))
        wait_for(lambda: raised(handheld), 30, "the alarm")


def test_late_sale_clears_the_alarm(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        handheld = front.handheld()
        front.ready()
        front.play(leave(ITEM))
        wait_for(lambda: raised(handheld), 30, "the alarm")
        status, body = front.http(
            "/v1/sales", {"id": "s1", "at": "2026-11-22T10:14:02Z", "kind": "sale", "lines": [{"epc": ITEM}]}
        )
        assert (status, body["status"]) == (200, "stored")
        wait_for(lambda: [h for h in handheld.events if h.body and h.body["event_type"] == "cleared"], 10, "the clearing")


def test_replay_of_the_recorded_run_gives_the_live_alarms(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        handheld = front.handheld(script=Script(acknowledge_after_s=0.3))
        front.ready()
        front.play([*leave(ITEM), *stand(own(2), 8)])
        wait_for(lambda: [h for h in handheld.events if h.body and h.body["event_type"] == "acknowledged"], 30, "the answer")
        assert front.terminate() == 0
        live = [heard.body for heard in handheld.events]
        outputs = []
        for name in ("a", "b"):
            done = front.command("replay", "journal", "--alarms", name, "--decisions", f"{name}-decisions")
            assert done.returncode == 0, done.stderr.decode()
            outputs.append(((tmp_path / name).read_bytes(), (tmp_path / f"{name}-decisions").read_bytes()))
        assert outputs[0] == outputs[1]
        replayed = [json.loads(line) for line in outputs[0][0].splitlines()]
        assert replayed[: len(live)] == live


def test_invalid_configuration_is_not_loaded_and_changes_nothing(tmp_path: Path, mosquitto: Broker) -> None:
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        assert front.process is not None
        pid = front.process.pid
        good = front.config.read_text()
        front.config.write_text(good.replace('mode = "siren"', 'mode = "sirene"'))
        front.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "not reloaded" in (tmp_path / "daemon.log").read_text(), 10, "the complaint")
        assert front.http("/healthz")[0] == 200
        front.config.write_text(good.replace('mode = "siren"', 'mode = "light"'))
        front.process.send_signal(signal.SIGHUP)
        wait_for(lambda: (tmp_path / "daemon.log").read_text().count("web server listens") == 2, 20, "the reload")
        assert front.process.poll() is None
        assert front.process.pid == pid


def test_daemon_starts_without_broker_and_reader(tmp_path: Path) -> None:
    with StoreFront(tmp_path, None) as front:
        front.start()
        assert front.http("/healthz")[0] == 200
        assert front.http("/readyz")[0] == 503
        assert front.terminate() == 0


def test_command_is_answered_on_its_own_topic_and_where_its_sender_asks(tmp_path: Path, mosquitto: Broker) -> None:
    got: list[tuple[str, dict[str, Any], Any]] = []
    with StoreFront(tmp_path, mosquitto) as front, Client(mosquitto.port, "operator", ("cmd/+/reply",)) as operator:
        front.start()
        operator.client.subscribe("app/replies", 1)
        operator.client.on_message = lambda _c, _d, m: got.append(
            (m.topic, json.loads(m.payload), getattr(m.properties, "CorrelationData", None))
        )
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic, properties.CorrelationData = "app/replies", b"42"
        wait_for(
            lambda: operator.publish("cmd/mute", {"id": "m1", "seconds": 1.5}, properties=properties) == 0, what="the daemon"
        )
        wait_for(lambda: len(got) >= 2, what="both replies")
        reply = {"id": "m1", "name": "mute", "status": "accepted", "reason": None}
        assert sorted(got, key=str) == [("app/replies", reply, b"42"), (f"{ROOT}cmd/mute/reply", reply, None)]
