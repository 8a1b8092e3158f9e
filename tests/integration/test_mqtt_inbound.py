"""Sales, answers, presence and commands over a real mosquitto: confirmed only when safe, and never by accident."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from conftest import Broker
from mqtt_site import ROOT, Client, Site, running_site, site_config
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import select
from wait import wait_for

from rfidguard.effects import AnswerJudged
from rfidguard.errors import RefusedInput
from rfidguard.inbox import Outcome
from rfidguard.schema import dead_letters
from rfidguard.store import StoreUnavailable


@pytest.fixture
def site(mosquitto: Broker, tmp_path: Path) -> Iterator[Site]:
    with running_site(site_config(mosquitto.port, tmp_path)) as running:
        yield running


@pytest.fixture
def till(mosquitto: Broker) -> Iterator[Client]:
    with Client(mosquitto.port, "till", ("pos/+/reply", "handheld/+/reply", "cmd/+/reply")) as client:
        yield client


def buried(site: Site) -> list[tuple[str, str]]:
    return [(row.source, row.reason) for row in site.store.read(lambda conn: conn.execute(select(dead_letters)).all())]


def sale(name: str = "s1") -> dict[str, Any]:
    return {"id": name}


def test_a_sale_is_replied_to_on_its_lane(site: Site, till: Client) -> None:
    till.publish("pos/3/sale", sale())
    wait_for(lambda: till.bodies("pos/3/reply"))
    assert till.bodies("pos/3/reply") == [{"id": "s1", "status": "stored", "errors": []}]
    assert site.desk.sales == [(json.dumps(sale()).encode(), "3")]


def test_a_response_topic_is_answered_with_its_correlation(site: Site, mosquitto: Broker) -> None:
    got: list[tuple[bytes, Any]] = []
    with Client(mosquitto.port, "till-3", ("pos/3/mine",)) as client:
        client.client.on_message = lambda _c, _d, message: got.append((message.payload, message.properties.CorrelationData))
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic = ROOT + "pos/3/mine"
        properties.CorrelationData = b"42"
        client.publish("pos/3/sale", sale(), properties=properties)
        wait_for(lambda: got)
        assert (json.loads(got[0][0])["status"], got[0][1]) == ("stored", b"42")


def test_a_response_topic_in_foreign_parts_of_the_site_is_not_used(site: Site, till: Client, mosquitto: Broker) -> None:
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = ROOT + "alarm/01K"
    with Client(mosquitto.port, "page", ("alarm/#",)) as page:
        till.publish("pos/3/sale", sale(), properties=properties)
        wait_for(lambda: till.bodies("pos/3/reply"))
        assert site.link.counters()["response_topic_refused"] == 1
        assert not page.topics()


def test_an_answer_is_by_the_user_of_its_topic_and_its_verdict_comes_later(site: Site, till: Client) -> None:
    verdict: Future[Any] = Future()
    site.desk.answer_outcome = lambda _payload: verdict
    till.publish("handheld/staff-1/ack", {"id": "a1", "by": "staff-9"})
    wait_for(lambda: site.desk.answers)
    assert site.desk.answers[0][1] == "staff-1"
    assert till.bodies("handheld/staff-1/reply") == []
    verdict.set_result(AnswerJudged("a1", "staff-1", "rejected", "already acknowledged by staff-2"))
    wait_for(lambda: till.bodies("handheld/staff-1/reply"))
    assert till.bodies("handheld/staff-1/reply") == [
        {"id": "a1", "status": "rejected", "reason": "already acknowledged by staff-2"}
    ]


def test_heartbeats_commands_and_presence_reach_their_handlers(site: Site, till: Client) -> None:
    till.publish("pos/3/heartbeat", {"at": "2026-11-22T10:14:02Z"})
    till.publish("cmd/mute", {"gate": "front"})
    till.publish("handheld/staff-1/presence", {"state": "online"}, retain=True)
    wait_for(lambda: site.desk.heartbeats and site.desk.commands and site.desk.presences)
    assert site.desk.heartbeats[0][1] == "3"
    assert site.desk.commands[0][0] == "mute"
    assert site.desk.presences == [("staff-1", True)]
    wait_for(lambda: till.bodies("cmd/mute/reply"))


def test_presence_is_a_state_so_retained_ones_count(mosquitto: Broker, tmp_path: Path) -> None:
    with Client(mosquitto.port, "c", ("#",)) as client:
        client.publish("handheld/staff-1/presence", {"state": "online"}, retain=True)
        client.publish("handheld/staff-2/presence", {"state": "offline"}, retain=True)
        with running_site(site_config(mosquitto.port, tmp_path)) as site:
            wait_for(lambda: len(site.desk.presences) == 2)
            assert site.link.health()["handhelds"] == ["staff-1"]
            client.publish("handheld/staff-1/presence", b"", retain=True)
            wait_for(lambda: site.link.health()["handhelds"] == [])


@pytest.mark.parametrize("topic", ["pos/3/sale", "handheld/staff-1/ack", "cmd/disarm", "pos/3/heartbeat"])
def test_a_retained_message_never_acts(mosquitto: Broker, tmp_path: Path, topic: str) -> None:
    with Client(mosquitto.port, "c", ("#",)) as client:
        client.publish(topic, {"id": "old"}, retain=True)
        with running_site(site_config(mosquitto.port, tmp_path)) as site:
            wait_for(lambda: site.link.counters()["retained"] == 1)
            client.publish(topic, {"id": "live"}, retain=True)
            wait_for(lambda: site.link.counters()["retained"] == 2)
            desk = site.desk
            assert [*desk.sales, *desk.answers, *desk.commands, *desk.heartbeats] == []
            assert buried(site) == []


def test_who_sends_a_retained_sale_is_told_what_is_wrong(site: Site, till: Client) -> None:
    till.publish("pos/3/sale", sale("kept"), retain=True)
    wait_for(lambda: till.bodies("pos/3/reply"))
    reply = till.bodies("pos/3/reply")[0]
    assert (reply["id"], reply["status"], reply["reason"]) == ("kept", "rejected", "retained")
    assert "retained" in reply["errors"][0]


def test_what_is_too_large_is_rejected_and_kept_in_part(site: Site, till: Client) -> None:
    till.publish("handheld/staff-1/ack", {"id": "big", "note": "x" * 20_000})
    wait_for(lambda: till.bodies("handheld/staff-1/reply"))
    reply = till.bodies("handheld/staff-1/reply")[0]
    assert (reply["id"], reply["status"]) == ("big", "rejected")
    assert site.desk.answers == []
    assert buried(site) == [("mqtt:handheld/staff-1/ack", "too_large")]


def test_a_refusal_of_the_handler_is_told_and_buried(site: Site, till: Client) -> None:
    def refuse(_payload: bytes) -> None:
        raise RefusedInput("bad_epc", "an EPC is an even number of hex digits")

    site.desk.fail = refuse
    till.publish("pos/3/sale", sale())
    wait_for(lambda: till.bodies("pos/3/reply"))
    assert till.bodies("pos/3/reply")[0]["errors"] == ["an EPC is an even number of hex digits"]
    assert buried(site) == [("mqtt:pos/3/sale", "bad_epc")]


def test_a_message_that_breaks_its_handler_does_not_block_the_next(site: Site, till: Client) -> None:
    def stumble(payload: bytes) -> None:
        if b"poison" in payload:
            raise ZeroDivisionError("a bug")

    site.desk.fail = stumble
    till.publish("pos/3/sale", sale("poison"))
    till.publish("pos/3/sale", sale("good"))
    wait_for(lambda: till.bodies("pos/3/reply"))
    assert [reply["id"] for reply in till.bodies("pos/3/reply")] == ["good"]
    assert buried(site) == [("mqtt:pos/3/sale", "handler_failed")]
    assert site.link.late_s(site.clock.monotonic()) == 0


def test_a_sale_waits_while_the_database_takes_nothing(site: Site, till: Client) -> None:
    tries: list[bytes] = []

    def locked(payload: bytes) -> None:
        tries.append(payload)
        if len(tries) < 3:
            raise StoreUnavailable("locked")

    site.desk.fail = locked
    till.publish("pos/3/sale", sale())
    wait_for(lambda: till.bodies("pos/3/reply"))
    assert len(tries) == 3
    assert till.bodies("pos/3/reply")[0]["status"] == "stored"
    assert site.link.counters()["tried_again"] == 2


def test_a_sale_that_was_not_safe_when_the_daemon_ended_comes_again(mosquitto: Broker, tmp_path: Path, till: Client) -> None:
    config = site_config(mosquitto.port, tmp_path)
    tried = threading.Event()

    def never(_payload: bytes) -> None:
        tried.set()
        raise StoreUnavailable("disk full")

    with running_site(config) as first:
        first.desk.fail = never
        till.publish("pos/3/sale", sale())
        assert tried.wait(20)
    with running_site(config) as second:
        wait_for(lambda: second.desk.sales)
        wait_for(lambda: till.bodies("pos/3/reply"))
    assert first.desk.sales == []


def test_a_sale_made_while_the_daemon_is_down_waits_at_the_broker(mosquitto: Broker, tmp_path: Path, till: Client) -> None:
    config = site_config(mosquitto.port, tmp_path)
    with running_site(config):
        pass
    for number in range(30):
        till.publish("pos/3/sale", sale(f"s{number}"))
    with running_site(config) as site:
        wait_for(lambda: len(site.desk.sales) == 30)


def test_a_sale_that_is_safe_does_not_come_again(mosquitto: Broker, tmp_path: Path, till: Client) -> None:
    config = site_config(mosquitto.port, tmp_path)
    with running_site(config) as first:
        till.publish("pos/3/sale", sale())
        wait_for(lambda: till.bodies("pos/3/reply"))
    with running_site(config) as second:
        till.publish("pos/3/sale", sale("next"))
        wait_for(lambda: second.desk.sales)
        assert [json.loads(payload)["id"] for payload, _ in first.desk.sales + second.desk.sales] == ["s1", "next"]


def test_a_broker_lost_while_a_sale_is_stored_costs_neither_sale_nor_link(site: Site, mosquitto: Broker, till: Client) -> None:
    handed, go = threading.Event(), threading.Event()

    def slow(_payload: bytes) -> None:
        handed.set()
        assert go.wait(20)

    site.desk.fail = slow
    till.publish("pos/3/sale", sale())
    assert handed.wait(20)
    mosquitto.kill()
    mosquitto.start()
    wait_for(lambda: site.link.counters()["connects"] == 2)
    go.set()
    wait_for(lambda: site.desk.sales)
    with Client(mosquitto.port, "late", ("pos/3/reply",)) as late:
        late.publish("pos/3/sale", sale("next"))
        wait_for(lambda: "next" in [reply["id"] for reply in late.bodies("pos/3/reply")])


def test_sales_of_many_tills_at_once_are_all_answered(site: Site, mosquitto: Broker, till: Client) -> None:
    def post(lane: int) -> None:
        with Client(mosquitto.port, f"till-{lane}") as client:
            for number in range(25):
                client.publish(f"pos/{lane}/sale", sale(f"{lane}-{number}"))

    tills = [threading.Thread(target=post, args=(lane,)) for lane in range(4)]
    for thread in tills:
        thread.start()
    for thread in tills:
        thread.join()
    wait_for(lambda: sum(len(till.bodies(f"pos/{lane}/reply")) for lane in range(4)) == 100)


def test_an_answer_without_a_reply_is_still_confirmed(site: Site, till: Client) -> None:
    outcomes: list[Outcome] = [None]
    site.desk.answer_outcome = lambda _payload: outcomes[0]
    till.publish("handheld/staff-1/ack", {"id": "a1"})
    wait_for(lambda: site.desk.answers)
    failed: Future[Any] = Future()
    failed.set_exception(StoreUnavailable("closed"))
    outcomes[0] = failed
    till.publish("handheld/staff-1/ack", {"id": "a2"})
    wait_for(lambda: site.link.counters()["unanswered"] == 1)
