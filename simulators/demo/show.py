"""Runs the demo: puts the store up, plays the scene on real wires, shows it live, and holds the alarms against the truth."""

import json
import tempfile
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from rfidguard.clock import SystemClock
from rfidguard.evaluate import Truth, unix_time
from rfidguard.events import Read
from simulators.demo.broker import DemoBroker
from simulators.demo.screen import Screen
from simulators.demo.script import Deed, deeds, moved_truth, sale_document
from simulators.demo.shop import Shop
from simulators.demo.timeline import Timeline
from simulators.demo.verdict import rows, table
from simulators.handheld import Script, SimHandheld
from simulators.llrp_reader.reader import SimReader
from simulators.llrp_reader.source import Played
from simulators.mqtt_client import Login
from simulators.pedestal import SimPedestal
from simulators.ports import free_port
from simulators.pos import HttpLogin, SimTill
from simulators.scenario import build

LEAD_S = 4.0
"""From the store standing to the first person: the daemon connects and sets its reader up."""
TAIL_S = 7.0
"""After the last person: what a vanished tag and a pedestal's alarm still have to wait for."""
STAFF = ("staff-1", "staff-2")


class Demo:
    """One run; `run` returns the exit status, 0 only if truth and alarms agree."""

    def __init__(self, scenario: str, seed: int, seconds: float | None, speed: float, folder: Path | None) -> None:
        self._clock = SystemClock()
        self._scene = build(scenario, seed)
        self._speed = speed
        self._whole_s = self._scene.seconds / speed
        self._seconds = None if seconds is None or seconds >= self._whole_s else seconds
        self._scratch = tempfile.TemporaryDirectory(prefix="rfidguard-demo-") if folder is None else None
        self._folder = Path(self._scratch.name) if self._scratch else folder or Path()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._done = threading.Event()
        self._messages: dict[tuple[str, int, str], dict[str, Any]] = {}
        self._sales = {"stored": 0, "duplicate": 0, "rejected": 0}
        self._reads = [event for event in self._scene.events if isinstance(event, Read)]
        self._start = self._clock.now()
        self._staff: dict[str, SimHandheld] = {}
        self._tills: dict[str, SimTill] = {}

    def run(self) -> int:
        """Puts up, plays, tells, takes down."""
        with ExitStack() as props:
            self._set_the_stage(props)
            self._screen.start()
            props.callback(self._screen.stop)
            try:
                self._play(props)
            except KeyboardInterrupt:
                self._screen.say(self._second(), "demo", "stopped by hand")
                return 1
        return self._tell()

    def _set_the_stage(self, props: ExitStack) -> None:
        """Puts everything up; `props` takes it down again, in reverse, whatever happens."""
        self._broker = DemoBroker(self._folder, free_port())
        props.callback(self._broker.stop)
        self._broker.start()
        self._pedestal = SimPedestal(link=self._folder / "pedestal").start()
        props.callback(self._pedestal.stop)
        reader_port = free_port()
        self._shop = Shop(self._folder, self._scene, self._broker, reader_port, free_port(), self._folder / "pedestal")
        self._page = f"http://127.0.0.1:{self._shop.http_port}/"
        self._screen = Screen(
            f"rfidguard demo: {self._scene.name} · broker {self._broker.name} · staff page {self._page}", self._head
        )
        self._shop.stock(self._scene.events)
        props.callback(self._shop.stop)
        self._shop.start()
        login = Login(
            f"mqtt://127.0.0.1:{self._broker.port}", site=self._scene.scenario.store.site, protocol=self._broker.protocol
        )
        self._staff = {user: SimHandheld(login, user, Script(), self._clock, partial(self._heard, user)) for user in STAFF}
        self._tills = {"mqtt": SimTill("3", login), "http": SimTill("4", HttpLogin(self._page), login.site)}
        self._start = self._clock.now() + LEAD_S
        self._reader = SimReader(
            port=reader_port, reader_id="front-1", source=self._source(), begin_at=self._start,
            announce=self._reader_said, on_output=self._output,
        )  # fmt: skip
        self._timeline = Timeline(self._clock)

    def _source(self) -> Played:
        end = self._scene.epoch + (self._seconds or self._whole_s) * self._speed
        return Played([read for read in self._reads if read.at <= end], speed=self._speed, zero=self._scene.epoch)

    def _play(self, props: ExitStack) -> None:
        for handheld in self._staff.values():
            handheld.start()
            props.callback(handheld.stop)
        for till in self._tills.values():
            till.start()
            props.callback(till.stop)
        self._timeline.start()
        props.callback(self._timeline.stop)
        for deed in deeds(self._scene.events, self._scene.epoch, self._speed):
            if deed.at <= (self._seconds or self._whole_s):
                self._timeline.at(self._start + deed.at, partial(self._do, deed))
        self._reader.start()
        props.callback(self._reader.stop)
        end = self._start + (self._seconds or self._whole_s) + TAIL_S
        while self._clock.now() < end:
            self._done.wait(0.2)
            for name, part in (("broker", self._broker), ("daemon", self._shop)):
                if part.keep():
                    self._screen.say(self._second(), name, "died and was started again", "bold yellow")

    def _tell(self) -> int:
        truth = moved_truth(self._scene.truth, self._scene.epoch, self._start, self._speed, self._seconds)
        messages = sorted(self._messages.values(), key=lambda message: unix_time(message["event_at"]))
        found = rows(msgspec.convert(truth, Truth), messages, truth.get("cut"))
        console = self._screen.console
        console.print(table(found, self._start))
        agree = sum(row.right for row in found)
        sales = ", ".join(f"{count} {status}" for status, count in self._sales.items() if count)
        console.print(f"{agree} of {len(found)} agree · sales {sales or 'none'} · simulated: {self._scene.truth.get('mix', '')}")
        (self._folder / "truth.json").write_text(json.dumps(truth))
        (self._folder / "alarms.jsonl").write_text("".join(json.dumps(message) + "\n" for message in messages))
        if self._scratch:
            self._scratch.cleanup()
        else:
            console.print(f"Configuration, database, journal, truth and alarms are in {self._folder}")
        return 0 if found and agree == len(found) else 1

    def _do(self, deed: Deed) -> None:
        match deed.kind:
            case "eas":
                self._screen.say(self._second(), "pedestal", f"says {deed.what}")
                self._pedestal.say(deed.what)
            case "beam":
                self._reader.set_input(*deed.what)
            case _:
                self._sell(*deed.what)

    def _sell(self, name: str, lines: tuple[Any, ...]) -> None:
        lane = lines[0].lane or "3"
        way = "http" if lane == "4" else "mqtt"
        reply = self._tills[way].post(sale_document(name, lines, self._clock.now()))
        self._sales[reply["status"]] = self._sales.get(reply["status"], 0) + 1
        what = ", ".join(_tail(line.epc) if line.epc else f"GTIN {line.gtin} x{line.quantity}" for line in lines)
        self._screen.say(self._second(), f"till {lane}", f"sold {what} over {way.upper()}: {reply['status']}", "green")

    def _heard(self, user: str, what: str, body: dict[str, Any]) -> None:
        if what == "event":
            key = (body["id"], body["revision"], body["event_type"])
            fresh = key not in self._messages
            self._messages[key] = body
            if fresh:
                self._show(body)
            if fresh and body["event_type"] == "raised":
                self._answer(body)
        elif what == "reply" and body.get("status") == "rejected":
            self._screen.say(self._second(), user, f"was told: {body.get('reason')}")

    def _show(self, body: dict[str, Any]) -> None:
        items = ", ".join(f"{_tail(item['epc'])} {item['state']}" for item in body["items"]) or "no tag"
        by = body["resolved_by"] or body["acknowledged_by"] if body["event_type"] in ("acknowledged", "resolved") else None
        style = {"raised": "bold red", "cleared": "green", "resolved": "green"}.get(body["event_type"], "yellow")
        text = f"{body['event_type']} {body['kind']} [{items}]" + (f" by {by}" if by else "")
        if body["event_type"] != "delivered":
            self._screen.say(self._second(), "alarm", text + (f": {body['outcome']}" if body["outcome"] else ""), style)

    def _answer(self, body: dict[str, Any]) -> None:
        """Staff do what the scenario says of the person that this alarm is about."""
        who = self._person_of(body)
        for answer in self._scene.answers:
            if answer.to == who and answer.by in self._staff:
                send = partial(self._staff[answer.by].answer, body["id"], answer.action, answer.outcome)
                self._timeline.at(self._clock.now() + answer.after_s, send)

    def _person_of(self, body: dict[str, Any]) -> str | None:
        epcs = {item["epc"] for item in body["items"]}
        second = unix_time(body["raised_at"]) - self._start
        best, gap = None, 10.0
        for passage in self._scene.truth["passages"]:
            if passage["cross"] is None or (epcs and not epcs & set(passage["tags"])):
                continue
            apart = abs((passage["cross"] - self._scene.epoch) / self._speed - second)
            if apart < gap:
                best, gap = passage["passage"], apart
        return best

    def _reader_said(self, text: str) -> None:
        if ": output " not in text:
            self._screen.say(self._second(), "reader", text)

    def _output(self, pin: int, on: bool) -> None:
        self._screen.say(self._second(), "gate", f"light (pin {pin}) {'ON' if on else 'off'}", "bold yellow" if on else "")

    def _second(self) -> float:
        return self._clock.now() - self._start

    def _head(self) -> str:
        second = self._second()
        moment = self._scene.epoch + second * self._speed
        view = {read.epc for read in self._reads if moment - 1.5 <= read.at <= moment}
        open_alarms = {name for handheld in self._staff.values() for name in handheld.open}
        return (
            f"second {max(second, 0):.0f} of {self._seconds or self._whole_s:.0f} · tags in view {len(view)} · "
            f"open alarms {len(open_alarms)} · sales {sum(self._sales.values())}"
        )


def _tail(epc: str) -> str:
    """The end of an EPC that tells items apart; an SGTIN-198 ends in empty characters."""
    return f"…{epc.rstrip('0')[-6:]}"
