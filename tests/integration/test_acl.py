"""systemd/mosquitto-acl.example on a real mosquitto: who may say and hear what, and what the daemon does when it is refused."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Broker
from mqtt_site import Client, running_site, site_config
from wait import wait_for

ACL = Path(__file__).parents[2] / "systemd" / "mosquitto-acl.example"
USERS = ("rfidguard", "staff-1", "staff-2", "till-3", "dashboard", "operator")
NOT_AUTHORISED = 0x87
DONE = (0x00, 0x10)


def guarded_broker(folder: Path) -> Broker:
    """A broker with the example's access list; every user's password is its name."""
    shutil.copy(ACL, folder / "acl")
    (folder / "passwd").write_text("".join(f"{user}:{user}\n" for user in USERS))
    subprocess.run(["mosquitto_passwd", "-U", str(folder / "passwd")], check=True)
    broker = Broker(folder)
    broker.extra = (
        f"listener {broker.port} 127.0.0.1\nallow_anonymous false\nuser root\n"
        f"password_file {folder / 'passwd'}\nacl_file {folder / 'acl'}\n"
    )
    broker.start()
    return broker


@pytest.fixture(scope="module")
def rights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """For tests that leave no trace: one broker for all of them."""
    broker = guarded_broker(tmp_path_factory.mktemp("rights"))
    yield broker
    broker.stop()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Broker]:
    (tmp_path / "guarded").mkdir()
    broker = guarded_broker(tmp_path / "guarded")
    yield broker
    broker.stop()


def client(broker: Broker, user: str, *subscribe: str) -> Client:
    return Client(broker.port, user, subscribe, password=user)


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("staff-1", "pos/3/sale"),
        ("staff-1", "pos/3/heartbeat"),
        ("staff-1", "handheld/staff-2/ack"),
        ("staff-1", "handheld/staff-2/presence"),
        ("staff-1", "handheld/staff-1/reply"),
        ("staff-1", "alarm/01K00000000000000000000000"),
        ("staff-1", "alarms"),
        ("staff-1", "event/alarm"),
        ("staff-1", "status"),
        ("staff-1", "cmd/disarm"),
        ("till-3", "pos/4/sale"),
        ("till-3", "pos/3/reply"),
        ("till-3", "handheld/staff-1/ack"),
        ("till-3", "handheld/till-3/ack"),
        ("till-3", "alarm/01K00000000000000000000000"),
        ("till-3", "cmd/mute"),
        ("dashboard", "alarm/01K00000000000000000000000"),
        ("dashboard", "handheld/dashboard/ack"),
        ("dashboard", "cmd/mute"),
        ("operator", "pos/3/sale"),
        ("operator", "status"),
        ("operator", "cmd/mute/reply"),
    ],
)
def test_what_is_not_theirs_to_say_is_refused(rights: Broker, user: str, topic: str) -> None:
    with client(rights, user) as somebody:
        assert somebody.publish(topic, b"", retain=True) == NOT_AUTHORISED
        assert somebody.publish(topic, {"id": "x"}) == NOT_AUTHORISED


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("staff-1", "handheld/staff-1/ack"),
        ("staff-1", "handheld/staff-1/presence"),
        ("till-3", "pos/3/sale"),
        ("till-3", "pos/3/heartbeat"),
        ("operator", "cmd/mute"),
        ("rfidguard", "status"),
        ("rfidguard", "event/alarm"),
    ],
)
def test_what_is_theirs_to_say_is_taken(rights: Broker, user: str, topic: str) -> None:
    with client(rights, user) as somebody:
        assert somebody.publish(topic, {"id": "x"}) in DONE


EVERY_TOPIC = (
    "status", "info", "health", "gate/front/status", "device/front-1/status", "alarm/01K", "alarms", "event/alarm",
    "event/device", "event/ledger", "handheld/staff-1/reply", "handheld/staff-2/reply", "handheld/staff-2/ack", "pos/3/reply",
    "pos/3/sale", "cmd/mute/reply",
)  # fmt: skip


@pytest.mark.parametrize(
    ("user", "hears"),
    [
        ("staff-1", {"status", "alarm/01K", "alarms", "event/alarm", "handheld/staff-1/reply"}),
        ("till-3", {"pos/3/reply"}),
        ("operator", {"status", "cmd/mute/reply"}),
        ("dashboard", {"status", "info", "health", "gate/front/status", "device/front-1/status", "alarm/01K", "alarms",
                       "event/alarm", "event/device", "event/ledger"}),
    ],
)  # fmt: skip
def test_everyone_hears_only_what_they_should(guarded: Broker, user: str, hears: set[str]) -> None:
    with client(guarded, user, "#") as somebody, client(guarded, "rfidguard") as daemon:
        for topic in EVERY_TOPIC:
            assert daemon.publish(topic, {"x": 1}) < 0x80
        last = max(hears, key=EVERY_TOPIC.index)
        wait_for(lambda: last in somebody.topics())
        assert somebody.topics() == hears


def test_a_wrong_password_is_not_let_in(rights: Broker) -> None:
    with Client(rights.port, "staff-1", password="wrong") as somebody:
        assert somebody.refusal is not None


def test_the_daemon_lives_within_its_rights(guarded: Broker, tmp_path: Path) -> None:
    secret = tmp_path / "mqtt-password"
    secret.write_text("rfidguard\n")
    config = site_config(guarded.port, tmp_path, username="rfidguard", password_file=str(secret))
    with running_site(config) as site, client(guarded, "staff-1", "#") as staff, client(guarded, "till-3", "#") as till:
        site.raise_alarm()
        wait_for(lambda: staff.bodies("event/alarm"))
        assert till.publish("pos/3/sale", {"id": "s1"}) == 0
        wait_for(lambda: till.bodies("pos/3/reply"))
        assert staff.publish("handheld/staff-1/ack", {"id": "a1"}) == 0
        wait_for(lambda: staff.bodies("handheld/staff-1/reply"))
        assert not {name for name in site.link.counters() if name.startswith("refused")}


def test_a_daemon_without_rights_parks_reports_and_recovers_when_they_come(guarded: Broker, tmp_path: Path) -> None:
    """As a broker whose access list was forgotten: the daemon logs in, may write nothing, and must not lose the alarm."""
    acl = guarded.folder / "acl"
    right = acl.read_text()
    acl.write_text(right.replace("topic readwrite rfidguard/0001/#", "topic read rfidguard/0001/#"))
    guarded.stop()
    guarded.start()
    secret = tmp_path / "mqtt-password"
    secret.write_text("rfidguard")
    config = site_config(guarded.port, tmp_path, username="rfidguard", password_file=str(secret))
    with running_site(config) as site:
        alarm = site.raise_alarm()
        wait_for(lambda: site.link.health()["outbox"]["parked"] == {"not_authorised": 2})
        acl.write_text(right)
        guarded.stop()
        guarded.start()
        with client(guarded, "staff-1", "#") as staff:
            wait_for(lambda: [body["id"] for body in staff.bodies("event/alarm")] == [alarm.id])
            wait_for(lambda: site.depth() == 0)
            assert site.link.health()["outbox"]["parked"] == {}


def test_a_daemon_with_a_wrong_password_says_so(guarded: Broker, tmp_path: Path) -> None:
    secret = tmp_path / "mqtt-password"
    secret.write_text("wrong")
    config = site_config(guarded.port, tmp_path, username="rfidguard", password_file=str(secret))
    with running_site(config, connected=False) as site:
        wait_for(lambda: site.link.problem)
        assert "not authorized" in str(site.link.problem).lower()


def test_a_password_file_that_is_gone_is_reported_and_survived(guarded: Broker, tmp_path: Path) -> None:
    secret = tmp_path / "mqtt-password"
    config = site_config(guarded.port, tmp_path, username="rfidguard", password_file=str(secret))
    with running_site(config, connected=False) as site:
        wait_for(lambda: site.link.problem and "mqtt-password" in site.link.problem)
        secret.write_text("rfidguard")
        wait_for(lambda: site.link.connected)
