"""The daemon as it is installed, with clients, tokens and a broker that asks for a password: who may what, and what leaks."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Broker
from mqtt_site import Client
from observability import named_metrics
from storefront import ROOT, StoreFront, program
from wait import wait_for

TOKENS = {name: f"{name}-token-{'0123456789abcdef' * 2}" for name in ("till-3", "island", "staff-1", "boss", "grafana")}
BROKER_PASSWORD = "broker-password-8d1f0c"
DATABASE_PASSWORD = "database-password-77aa"
EPC = "3034257BF7194E4000001A85"
CLIENTS = """
[[http.client]]
name = "till-3"
token_file = "till-3.token"
scope = "till"
[[http.client]]
name = "island"
token_file = "island.token"
scope = "till"
lanes = ["sco-1", "sco-2"]
[[http.client]]
name = "staff-1"
token_file = "staff-1.token"
scope = "staff"
[[http.client]]
name = "boss"
token_file = "boss.token"
scope = "admin"
[[http.client]]
name = "grafana"
token_file = "grafana.token"
scope = "read"
"""


class Guarded(StoreFront):
    """A shop front whose doors are locked. `http_as` calls with somebody's token."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        super().__init__(folder, broker, extra=CLIENTS)
        self.web = httpx.Client(timeout=20)
        text = self.config.read_text()
        login = 'username = "rfidguard"\npassword_file = "mqtt.password"\n'
        text = text.replace("[mqtt]\n", "[mqtt]\n" + login)
        text = text.replace("[ledger]\n", "[ledger]\nmax_units_per_minute = 50\n")
        self.config.write_text(text)
        (folder / "mqtt.password").write_text(BROKER_PASSWORD + "\n")
        for name, token in TOKENS.items():
            (folder / f"{name}.token").write_text(token + "\n")

    def http_as(self, name: str, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or TOKENS[name]}"}
        reply = self.web.request(method, f"http://127.0.0.1:{self.http_port}{path}", headers=headers, **more)
        self.web.cookies.clear()
        return reply

    def __exit__(self, *_: object) -> None:
        self.web.close()
        super().__exit__()

    def sell(self, name: str, document: str, lane: str | None = None, query: str = "", quantity: int = 1) -> httpx.Response:
        line = {"line": 1, "kind": "sold", "gtin": "00614141123452", "quantity": quantity}
        body = {"id": document, "at": "2026-11-22T10:14:02Z", "kind": "sale", "lines": [line]}
        return self.http_as(name, "POST", f"/v1/sales{query}", json=body | ({"lane": lane} if lane else {}))

    @property
    def log(self) -> str:
        return (self.folder / "daemon.log").read_text()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("broker")
    passwords = folder / "passwd"
    for create, user, password in (("-c", "rfidguard", BROKER_PASSWORD), ("-H", "owner", "owner-password")):
        how = ["-c"] if create == "-c" else []
        subprocess.run(["mosquitto_passwd", "-b", *how, str(passwords), user, password], check=True, capture_output=True)
    broker = Broker(folder)
    broker.extra = f"listener {broker.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nuser root\n"
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> Iterator[Guarded]:
    with Guarded(tmp_path_factory.mktemp("shop"), broker) as shop:
        shop.start()
        wait_for(lambda: "mqtt" not in shop.http_as("grafana", "GET", "/readyz").json()["reasons"], 30, "the broker")
        yield shop


@pytest.fixture
def everything(broker: Broker) -> Iterator[Client]:
    """Hears all that leaves the daemon."""
    with closing(Client(broker.port, "owner", ("#",), password="owner-password")) as client:
        yield client


def test_a_till_reports_its_own_lane_and_no_other(shop: Guarded) -> None:
    assert shop.sell("till-3", "own-1", lane="3").json()["status"] == "stored"
    assert shop.sell("till-3", "own-2", lane="till-3").json()["status"] == "stored"
    assert shop.sell("till-3", "own-3").json()["status"] == "stored"
    assert shop.sell("till-3", "own-4", query="?lane=3").json()["status"] == "stored"
    refused = shop.sell("till-3", "other-1", lane="4")
    assert (refused.status_code, refused.json()["status"]) == (422, "rejected")
    assert "lane" in refused.json()["errors"][0]
    forbidden = shop.sell("till-3", "other-2", query="?lane=4")
    assert (forbidden.status_code, forbidden.json()["error"]) == (403, "wrong_lane")


def test_a_till_may_have_lanes_given(shop: Guarded) -> None:
    assert shop.sell("island", "sco-1", lane="sco-2").json()["status"] == "stored"
    assert shop.sell("island", "sco-2", lane="island").status_code == 422
    assert shop.sell("boss", "any", lane="4").json()["status"] == "stored"


def test_source_and_lane_of_a_sale_are_kept(shop: Guarded) -> None:
    shop.sell("till-3", "kept-1", lane="3")
    shop.sell("island", "kept-2")
    lines = [json.loads(line) for line in shop.command("ledger", "export").stdout.splitlines()]
    found = {line["id"]: (line["source"], line["lane"]) for line in lines if line.get("id", "").startswith("kept-")}
    assert found == {"kept-1/1": ("till-3", "3"), "kept-2/1": ("island", "sco-1")}


def test_a_sale_of_another_lane_and_one_in_masses_are_told_on_event_ledger(shop: Guarded, everything: Client) -> None:
    shop.sell("till-3", "spoof", lane="9")
    shop.sell("boss", "mass", lane="7", quantity=51)
    told = wait_for(lambda: len(found := everything.bodies("event/ledger")) >= 2 and found)
    assert {(body["kind"], body["id"], body["source"]) for body in told} >= {
        ("rejected", "spoof", "till-3"),
        ("impossible_volume", "mass", "boss"),
    }
    metrics = shop.http_as("grafana", "GET", "/metrics").text
    assert re.search(r'rfidguard_odd_sales_total\{kind="impossible_volume"\} [1-9]', metrics)


def test_answers_and_commands_stand_in_the_audit_trail_and_the_doctor_verifies_it(shop: Guarded, everything: Client) -> None:
    everything.publish("cmd/test", {"id": "drill-1", "gate": "front"})
    alarm = wait_for(lambda: shop.http_as("staff-1", "GET", "/v1/alarms").json())[0]
    answer = {"id": "a1", "action": "acknowledge"}
    assert shop.http_as("staff-1", "POST", f"/v1/alarms/{alarm['id']}/answers", json=answer).json()["status"] == "accepted"
    wait_for(lambda: shop.command("doctor", "--json").stdout and audit_finding(shop)["text"].startswith(("2 rows", "3 rows")))
    assert audit_finding(shop)["level"] == "ok"


def audit_finding(shop: Guarded) -> dict[str, Any]:
    report = json.loads(shop.command("doctor", "--json").stdout)
    return next(finding for finding in report["findings"] if finding["name"] == "audit")


def test_no_secret_is_in_any_log_metric_topic_or_answer(shop: Guarded, everything: Client) -> None:
    cookie = shop.http_as("staff-1", "POST", "/v1/session", json={"token": TOKENS["staff-1"]}).headers["set-cookie"]
    session = cookie.split("=", 1)[1].split(";")[0]
    seen = [cookie.replace(session, "")]
    for path in ("/metrics", "/readyz", "/healthz", "/openapi.json", "/v1/alarms", "/", "/v1/alarms/nothing", "/v1/session"):
        seen += [shop.http_as(name, "GET", path).text for name in ("boss", "till-3", "staff-1")]
        seen.append(shop.http_as("", "GET", path, token="wrong" * 8).text)
    seen.append(shop.http_as("till-3", "POST", "/v1/session", json={"token": TOKENS["till-3"]}).text)
    seen.append(shop.http_as("till-3", "POST", "/v1/sales", content=b"nonsense").text)
    everything.publish("cmd/rebirth", b"")
    wait_for(lambda: everything.heard("cmd/rebirth/reply") and everything.heard("health") and everything.heard("info"))
    seen += [payload.decode() for topic in everything.topics() for payload in everything.heard(topic)]
    seen += [
        shop.command(*words).stdout.decode() for words in (("check",), ("doctor",), ("alarms", "list"), ("ledger", "status"))
    ]
    seen.append(shop.log)
    seen += [path.read_text("utf-8", "replace") for path in (shop.folder / "journal").rglob("*.jsonl")]
    database = b"".join(path.read_bytes() for path in shop.folder.glob("rfidguard.db*"))
    secrets = [BROKER_PASSWORD, session, *TOKENS.values()]
    for secret in secrets:
        assert [text for text in seen if secret in text] == []
        assert secret.encode() not in database


def test_every_metric_that_dashboard_and_alerts_name_is_there(shop: Guarded) -> None:
    shop.sell("boss", "for-the-age")
    text = shop.http_as("grafana", "GET", "/metrics").text
    there = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    of_a_chain = {"rfidguard_chain_up"}  # only where one is configured; tests of the chain read it
    assert named_metrics() - there == of_a_chain


def test_no_caller_can_make_the_metrics_grow(shop: Guarded) -> None:
    def lines() -> int:
        return len(shop.http_as("grafana", "GET", "/metrics").text.splitlines())

    for number in range(3):
        shop.http_as("boss", f"MADE{number}", "/v1/alarms")
        shop.http_as("boss", "GET", f"/made-up/{number}")
        shop.http_as("boss", "GET", f"/v1/alarms/{number}")
    before = lines()
    for number in range(3, 40):
        shop.http_as("boss", f"MADE{number}", "/v1/alarms")
        shop.http_as("boss", "GET", f"/made-up/{number}")
        shop.http_as("boss", "GET", f"/v1/alarms/{number}")
    assert lines() <= before + 2


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RFIDGUARD_DATABASE__URL", "postgresql+psycopg://shop:PASSWORD@127.0.0.1:9/shop"),
        ("RFIDGUARD_DATABASE__URL", "postgresql+psycopg://shop:PASSWORD@127.0.0.1:1x/shop"),
        ("RFIDGUARD_DATABASE__URL", "mysql://shop:PASSWORD@127.0.0.1/shop"),
        ("RFIDGUARD_MQTT__URL", "mqtt://shop:PASSWORD@127.0.0.1"),
        ("RFIDGUARD_MQTT__PASSWORD", "PASSWORD"),
        ("RFIDGUARD_HTTP__CLIENT__0__TOKEN", "PASSWORD"),
    ],
)
def test_a_password_that_stands_in_the_wrong_place_is_not_repeated(tmp_path: Path, variable: str, value: str) -> None:
    config = tmp_path / "rfidguard.toml"
    config.write_text('[site]\nid = "0001"\n[http]\nclient = []\n')
    environment = {**os.environ, "PYTHONPATH": str(ROOT), variable: value.replace("PASSWORD", DATABASE_PASSWORD)}
    said = b""
    for words in (("check",), ("alarms", "list")):
        call = [*program(), *words, "--config", str(config)]
        done = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
        said += done.stdout + done.stderr
    assert said
    assert DATABASE_PASSWORD.encode() not in said


def test_reload_takes_new_tokens_and_forgets_the_old_ones(shop: Guarded) -> None:
    assert shop.http_as("staff-1", "GET", "/v1/alarms").status_code == 200
    fresh = "a-new-token-" + "9" * 24
    (shop.folder / "staff-1.token").write_text(fresh)
    reload(shop)
    try:
        wait_for(lambda: status(shop, fresh) == 200, 30, "the new token")
        assert status(shop, TOKENS["staff-1"]) == 401
    finally:
        (shop.folder / "staff-1.token").write_text(TOKENS["staff-1"])
    reload(shop)
    wait_for(lambda: status(shop, TOKENS["staff-1"]) == 200, 30, "the old token again")
    assert status(shop, fresh) == 401


def test_reload_with_a_token_that_is_none_changes_nothing(shop: Guarded) -> None:
    (shop.folder / "boss.token").write_text("short")
    before = len(shop.log)
    try:
        reload(shop)
        wait_for(lambda: "not reloaded" in shop.log[before:])
        assert "boss" in shop.log[before:]
        assert shop.http_as("boss", "GET", "/v1/alarms").status_code == 200
    finally:
        (shop.folder / "boss.token").write_text(TOKENS["boss"])


def reload(shop: Guarded) -> None:
    assert shop.process is not None
    shop.process.send_signal(signal.SIGHUP)


def status(shop: Guarded, token: str) -> int | None:
    try:
        return shop.http_as("staff-1", "GET", "/v1/alarms", token=token).status_code
    except httpx.TransportError:
        return None
