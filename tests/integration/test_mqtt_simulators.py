"""The simulated handheld and till against the real intake, answer desk and broker."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import Broker
from mqtt_site import Site, running_site, site_config
from typer.testing import CliRunner
from wait import wait_for

from rfidguard.cli import build_app
from rfidguard.errors import RfidguardError
from rfidguard.inbox import Outcome
from rfidguard.intake import take_sale
from simulators.handheld import Script, SimHandheld, script_of
from simulators.mqtt_client import Login
from simulators.ports import free_port
from simulators.pos import HttpLogin, SimTill

EPC = "3034257BF7194E4000001A85"


@pytest.fixture
def site(mosquitto: Broker, tmp_path: Path) -> Iterator[Site]:
    with running_site(site_config(mosquitto.port, tmp_path)) as running:
        running.desk.on_sale = lambda payload, lane: take_sale(  # type: ignore[method-assign]
            running.store, payload, source="till", lane=lane, now=running.clock.now(), emit=lambda _event: None
        )
        yield running


@pytest.fixture
def login(mosquitto: Broker) -> Login:
    return Login(f"mqtt://127.0.0.1:{mosquitto.port}")


@pytest.fixture
def handheld(login: Login) -> Iterator[SimHandheld]:
    sim = SimHandheld(login, "staff-1", Script(acknowledge_after_s=0.0, resolve_after_s=0.05, outcome="recovered"))
    sim.start()
    yield sim
    sim.stop()


def answers(site: Site) -> list[tuple[str, str | None]]:
    seen: dict[str, tuple[str, str | None]] = {}
    for payload, _ in site.desk.answers:
        body = json.loads(payload)
        seen.setdefault(body["id"], (body["action"], body.get("outcome")))
    return list(seen.values())


def test_a_handheld_receives_acknowledges_and_resolves(site: Site, handheld: SimHandheld) -> None:
    alarm = site.raise_alarm()
    assert handheld.wait_for(lambda sim: len(sim.replies) == 3)
    assert answers(site) == [("received", None), ("acknowledge", None), ("resolve", "recovered")]
    assert [heard.body["id"] for heard in handheld.events if heard.body] == [alarm.id]
    assert set(handheld.open) == {alarm.id}
    site.close_alarm(alarm)
    assert handheld.wait_for(lambda sim: not sim.open and len(sim.events) == 2)


def test_a_handheld_is_present_while_it_is_on(site: Site, login: Login) -> None:
    sim = SimHandheld(login, "staff-2")
    sim.start()
    wait_for(lambda: site.link.handhelds() == ["staff-2"])
    sim.stop()
    wait_for(lambda: site.link.handhelds() == [])


def test_a_handheld_that_vanishes_is_reported_by_its_will(site: Site, login: Login, mosquitto: Broker) -> None:
    sim = SimHandheld(login, "staff-2")
    sim.start()
    wait_for(lambda: site.link.handhelds() == ["staff-2"])
    sim.vanish()
    wait_for(lambda: ("staff-2", False) in site.desk.presences)
    wait_for(lambda: site.link.handhelds() == ["staff-2"])
    sim.stop()


def test_a_handheld_out_of_range_hears_every_alarm_once_it_is_back(site: Site, handheld: SimHandheld) -> None:
    site.raise_alarm()
    assert handheld.wait_for(lambda sim: len(sim.events) == 1)
    handheld.vanish()
    raised = {site.raise_alarm().id for _ in range(30)}
    assert handheld.wait_for(lambda sim: raised <= {heard.body["id"] for heard in sim.events if heard.body})


def test_an_answer_is_sent_again_until_there_is_a_reply(site: Site, login: Login) -> None:
    silent: list[Outcome] = [None]
    site.desk.answer_outcome = lambda payload: silent[0]
    sim = SimHandheld(login, "staff-1")
    sim.start()
    alarm = site.raise_alarm()
    wait_for(lambda: site.desk.answers)
    silent[0] = {"id": sim.answers[0]["id"], "status": "accepted", "reason": None}
    assert sim.wait_for(lambda handheld: handheld.replies)
    assert {json.loads(payload)["alarm"] for payload, _ in site.desk.answers} == {alarm.id}
    assert len(answers(site)) == 1
    sim.stop()


@pytest.mark.parametrize("answer", ["ring", "resolve:stolen", "acknowledge:recovered"])
def test_an_unknown_script_is_refused(answer: str) -> None:
    with pytest.raises(RfidguardError, match="no answer is called"):
        script_of(answer)


def test_a_till_sells_is_confirmed_and_sells_the_same_only_once(site: Site, login: Login) -> None:
    with SimTill("3", login) as till:
        document = till.document([{"epc": EPC}, {"gtin": "00614141123452", "quantity": 2}])
        assert till.post(document)["status"] == "stored"
        assert till.post(document)["status"] == "duplicate"
        assert till.void(document["id"])["status"] == "stored"
        assert till.sell([EPC], kind="return")["status"] == "stored"


def test_a_till_is_told_what_is_wrong(site: Site, login: Login) -> None:
    with SimTill("3", login) as till:
        reply = till.sell(["303"])
        assert reply["status"] == "rejected"
        assert "lines[0].epc" in reply["errors"][0]


def test_a_till_sends_until_the_broker_is_back(site: Site, login: Login, mosquitto: Broker) -> None:
    with SimTill("3", login) as till:
        till.sell([EPC])
        mosquitto.kill()
        replies: list[dict[str, Any]] = []
        selling = threading.Thread(target=lambda: replies.append(till.sell([EPC], kind="return", timeout_s=40)))
        selling.start()
        wait_for(lambda: not site.link.connected)
        mosquitto.start()
        selling.join()
        assert replies[0]["status"] in ("stored", "duplicate")


def test_a_till_without_any_reply_says_so(login: Login) -> None:
    with SimTill("3", login) as till, pytest.raises(RfidguardError, match="not confirmed"):
        till.sell([EPC], timeout_s=0.3)


def test_a_till_sends_heartbeats(site: Site, login: Login) -> None:
    till = SimTill("7", login)
    till.start(heartbeat_s=0.05)
    wait_for(lambda: len(site.desk.heartbeats) >= 2)
    till.stop()
    assert site.desk.heartbeats[0][1] == "7"


class _Moody(BaseHTTPRequestHandler):
    """Answers the first request with 503, a wrong token with 401, everything else as stored."""

    seen: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append(body)
        status, reply = 200, {"id": body.get("id"), "status": "stored", "errors": []}
        if len(self.seen) == 1:
            status, reply = 503, {"detail": "later"}
        elif self.headers["Authorization"] != "Bearer secret":
            status, reply = 401, {"detail": "who are you?"}
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def moody() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    handler = type("Moody", (_Moody,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_till_over_http_tries_again_and_shows_its_token(moody: tuple[str, list[dict[str, Any]]]) -> None:
    url, seen = moody
    reply = SimTill("3", HttpLogin(url, "secret")).sell([EPC])
    assert reply["status"] == "stored"
    assert seen[0] == seen[1]


def test_a_till_over_http_with_a_wrong_token_is_rejected_not_repeated(moody: tuple[str, list[dict[str, Any]]]) -> None:
    url, seen = moody
    reply = SimTill("3", HttpLogin(url, "wrong")).sell([EPC])
    assert (reply["status"], len(seen)) == ("rejected", 2)


def test_sim_pos_prints_the_reply_and_tells_by_its_status(site: Site, login: Login) -> None:
    runner = CliRunner()
    arguments = ["sim", "pos", "--lane", "3", "--url", login.url]
    good = runner.invoke(build_app(), [*arguments, "--sell", EPC, "--gtin", "00614141123452:2"])
    assert (good.exit_code, json.loads(good.stdout)["status"]) == (0, "stored")
    bad = runner.invoke(build_app(), [*arguments, "--sell", "zz"])
    assert (bad.exit_code, json.loads(bad.stdout)["status"]) == (1, "rejected")


def test_sim_handheld_answers_until_enough_alarms_are_closed(site: Site, login: Login, mosquitto: Broker) -> None:
    results: list[Any] = []
    arguments = ["sim", "handheld", "--url", login.url, "--answer", "resolve:recovered", "--after", "0", "--alarms", "1"]
    running = threading.Thread(target=lambda: results.append(CliRunner().invoke(build_app(), arguments)))
    running.start()
    alarm = site.raise_alarm()
    wait_for(lambda: ("resolve", "recovered") in answers(site))
    site.close_alarm(alarm)
    running.join(30)
    assert results[0].exit_code == 0, results[0].output
    assert alarm.id in results[0].output


def test_sim_handheld_without_a_broker_ends_when_it_should() -> None:
    arguments = ["sim", "handheld", "--url", f"mqtt://127.0.0.1:{free_port()}", "--alarms", "1", "--seconds", "0.2"]
    result = CliRunner().invoke(build_app(), arguments)
    assert result.exit_code == 1
