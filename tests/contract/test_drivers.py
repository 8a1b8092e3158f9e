"""The driver contract (rfidguard/driver.py), held against every entry of the registry and the template a newcomer copies.

A new driver needs a rig here: how its device is put up on its real wire, stirred, cut off and brought back. Without one it fails.
"""

import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from driving import Driving
from pydantic import ValidationError
from wait import wait_for

from drivers import REGISTRY
from drivers.template import TemplateDriver
from rfidguard.clock import SystemClock
from rfidguard.driver import AntennaPlace, DriverSettings, SetOutput, load_driver
from rfidguard.errors import DeviceLost
from rfidguard.events import Count, Device, Eas, Event, Gpi, OutputDone, Read, ReadBatch, heard_at
from rfidguard.journal import encode_line
from simulators.llrp_reader.reader import SimReader
from simulators.pedestal import SimPedestal

CLOCK = SystemClock()
EPC = "3034257BF7194E4000001A85"
UNKNOWN_LLRP = struct.pack("!HII", 1 << 10 | 900, 10, 7)
"""A whole LLRP 1.0.1 message of a type that does not exist."""

NAMES = [*REGISTRY, "llrp/newcomers", "template"]
"""Drivers; after a slash, what sets one rig of a driver apart from another."""


@dataclass
class Rig:
    """One device on its wire. `stir` makes it say something, `garble` something bad; `cut` and `mend` are for its link."""

    device: str
    settings: dict[str, Any]
    stir: Callable[[], None]
    garble: Callable[[], None] | None = None
    cut: Callable[[], None] | None = None
    mend: Callable[[], None] | None = None
    dead: dict[str, Any] | None = None
    """Settings with which there is nothing to read from."""
    begin: Callable[[Driving], None] = field(default=lambda _: None)
    """What must be told to the running driver before it can be online."""


def nothing() -> None:
    """For what a device has not got."""


@contextmanager
def llrp(tmp_path: Path, state_aware: bool = False) -> Iterator[Rig]:
    reader = [SimReader(reader_id="dev", state_aware=state_aware)]
    reader[0].start()
    port = reader[0].port

    def mend() -> None:
        reader[0] = SimReader(port=port, reader_id="dev", state_aware=state_aware)
        reader[0].start()

    def stir() -> None:
        sent = reader[0].counts["tags_sent"]
        wait_for(lambda: reader[0].inventorying)
        wait_for(lambda: push() or reader[0].counts["tags_sent"] > sent)

    def push() -> None:
        reader[0].push(Read(at=CLOCK.now(), gate="front", reader="dev", antenna=1, epc=EPC, rssi_dbm=-50.0))

    try:
        yield Rig(
            device="dev",
            settings={"host": "127.0.0.1", "port": port, "keepalive_s": 1.0},
            stir=stir,
            garble=lambda: reader[0].faults.send(UNKNOWN_LLRP),
            cut=lambda: reader[0].stop(),
            mend=mend,
            dead={"host": "127.0.0.1", "port": 1},
        )
    finally:
        reader[0].stop()


@contextmanager
def eas_serial(tmp_path: Path) -> Iterator[Rig]:
    with SimPedestal(link=tmp_path / "port") as sim:
        yield Rig(
            device="dev",
            settings={"port": sim.port},
            stir=lambda: sim.say("alarm"),
            garble=lambda: sim.garbage(b"\xff\xfe\r\n"),
            cut=sim.unplug,
            mend=sim.replug,
            dead={"port": str(tmp_path / "none")},
        )


@contextmanager
def gpi(tmp_path: Path) -> Iterator[Rig]:
    told: list[Driving] = []

    def begin(driving: Driving) -> None:
        told[:] = [driving]
        driving.orders.put(Device(at=CLOCK.now(), device="front-1", state="online"))

    def input_of(device: str) -> None:
        told[0].orders.put(Gpi(at=CLOCK.now(), device=device, pin=1, high=True))

    yield Rig(
        device="dev",
        settings={"reader": "front-1", "pins": [1]},
        stir=lambda: input_of("front-1"),
        garble=lambda: input_of("unknown-1"),
        dead={"reader": "front-1", "pins": [1]},
        begin=begin,
    )


@contextmanager
def replay(tmp_path: Path) -> Iterator[Rig]:
    journal, good = tmp_path / "journal.jsonl", Path(tmp_path / "good.jsonl")
    good.write_bytes(encode_line(Eas(at=1.0, gate="front", pedestal="dev", kind="alarm")) + b"rubbish\n")
    journal.write_bytes(good.read_bytes())
    yield Rig(
        device="dev",
        settings={"journal": str(journal), "speed": 0},
        stir=nothing,
        garble=nothing,
        dead={"journal": str(tmp_path / "none.jsonl")},
    )


@contextmanager
def template(tmp_path: Path) -> Iterator[Rig]:
    with _LineServer() as server:
        yield Rig(
            device="dev",
            settings={"host": "127.0.0.1", "port": server.port},
            stir=lambda: server.send(b"IN 2\n"),
            garble=lambda: server.send(b"\xff\n"),
            cut=lambda: server.cut(wait_for(lambda: server.clients)),
            mend=nothing,
            dead={"host": "127.0.0.1", "port": 1},
        )


RIGS: dict[str, Any] = {
    "llrp": llrp,
    "llrp/newcomers": partial(llrp, state_aware=True),
    "eas_serial": eas_serial,
    "gpi": gpi,
    "replay": replay,
    "template": template,
}


class _LineServer:
    """The device of the template: sends lines to whoever connects."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.clients: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "_LineServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.cut(self.clients)

    def send(self, data: bytes) -> None:
        wait_for(lambda: self.clients)[-1].sendall(data)

    def cut(self, clients: list[socket.socket]) -> None:
        while clients:
            clients.pop().close()

    def _serve(self) -> None:
        while True:
            try:
                self.clients.append(self._listener.accept()[0])
            except OSError:
                return


def driver_class(name: str) -> Any:
    return TemplateDriver if name == "template" else load_driver(name.partition("/")[0])


def built(name: str, rig: Rig, settings: dict[str, Any] | None = None) -> Driving:
    kind = driver_class(name)
    chosen = kind.Settings(**(rig.settings if settings is None else settings))
    return Driving(kind(rig.device, "front", chosen, CLOCK, {1: AntennaPlace("front", "inside")}))


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    chosen = str(request.param)
    assert chosen in RIGS, f"the driver {chosen!r} has no rig in {__file__}: add one"
    return chosen


@pytest.fixture
def rig(name: str, tmp_path: Path) -> Iterator[Rig]:
    with RIGS[name](tmp_path) as put_up:
        yield put_up


@pytest.fixture
def online(name: str, rig: Rig) -> Iterator[Driving]:
    """The driver, running and online."""
    with built(name, rig) as driving:
        rig.begin(driving)
        driving.until_online()
        yield driving


def test_names_itself_its_settings_and_where_it_may_stand(name: str, rig: Rig) -> None:
    kind = driver_class(name)
    assert issubclass(kind.Settings, DriverSettings)
    assert set(kind.kinds) <= {"reader", "pedestal", "counter"}
    assert kind.kinds
    driver = built(name, rig).driver
    assert driver.device == rig.device
    assert isinstance(driver.rejects, Counter)
    assert not driver.rejects


def test_unknown_setting_is_refused_before_the_run(name: str, rig: Rig) -> None:
    with pytest.raises(ValidationError, match="no_such_setting"):
        driver_class(name).Settings(**rig.settings, no_such_setting=1)


def test_settings_are_frozen(name: str, rig: Rig) -> None:
    settings = driver_class(name).Settings(**rig.settings)
    with pytest.raises(ValidationError):
        setattr(settings, next(iter(rig.settings)), None)


def test_returns_soon_after_stop(online: Driving) -> None:
    online.end()
    assert online.failure is None


def test_stop_set_before_the_start_is_obeyed(name: str, rig: Rig) -> None:
    driving = built(name, rig)
    driving.stop.set()
    driving.driver.run(driving.events.append, driving.stop, driving.orders)


def test_is_not_online_where_there_is_nothing_to_read(name: str, rig: Rig) -> None:
    with built(name, rig, rig.dead) as driving:
        wait_for(lambda: driving.ended() or name == "gpi")
    assert driving.failure is None or type(driving.failure) is DeviceLost
    assert "online" not in driving.states()


def test_emits_only_frozen_events_with_times_of_now(online: Driving, rig: Rig) -> None:
    begun = CLOCK.now()
    rig.stir()
    wait_for(lambda: any(isinstance(event, Read | ReadBatch | Eas | Count) for event in online.events))
    for event in online.events:
        assert isinstance(event, (*get_args(Event), ReadBatch))
        assert msgspec.structs.asdict(event).keys()
        assert type(event).__struct_config__.frozen
    single = [one for event in online.events for one in (event.reads if isinstance(event, ReadBatch) else (event,))]
    assert all(abs(heard_at(event) - begun) < 60 for event in single)


def test_is_online_before_it_tells_anything_else(online: Driving, rig: Rig) -> None:
    rig.stir()
    wait_for(lambda: any(isinstance(event, Read | ReadBatch | Eas | Count) for event in online.events))
    first = next(event for event in online.events if not isinstance(event, Gpi | OutputDone))
    assert isinstance(first, Device)
    assert (first.device, first.state) == (rig.device, "online")


def test_bad_input_is_counted_under_a_reason_and_reading_goes_on(online: Driving, rig: Rig) -> None:
    assert rig.garble is not None
    rig.garble()
    wait_for(lambda: online.driver.rejects.total() > 0)
    rig.stir()
    wait_for(lambda: any(isinstance(event, Read | ReadBatch | Eas | Count) for event in online.events))
    assert not online.ended()
    assert all(reason.isidentifier() for reason in online.driver.rejects)


def test_every_order_is_answered_once(name: str, online: Driving) -> None:
    for number in range(3):
        online.orders.put(SetOutput(id=f"o{number}", pin=1, seconds=1.0 if number else 0.0))
    online.until(OutputDone, count=3)
    online.end()
    answers = online.of(OutputDone)
    assert [(answer.id, answer.device, answer.pin) for answer in answers] == [(f"o{number}", "dev", 1) for number in range(3)]
    assert {answer.ok for answer in answers} == {"reader" in driver_class(name).kinds}
    assert all(answer.ok or answer.reason for answer in answers)


def test_lost_link_is_device_lost_and_it_runs_again(online: Driving, rig: Rig) -> None:
    if rig.cut is None or rig.mend is None:
        online.end()
    else:
        rig.cut()
        wait_for(online.ended)
        assert type(online.failure) is DeviceLost
        assert str(online.failure)
        rig.mend()
    heard = len(online.events)
    online.start()
    rig.begin(online)
    wait_for(lambda: any(isinstance(event, Device) and event.state == "online" for event in online.events[heard:]))
    rig.stir()
    wait_for(lambda: any(isinstance(event, Read | ReadBatch | Eas | Count) for event in online.events[heard:]))


def test_driver_of_an_outside_package_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rfidguard_acme.py").write_text("from drivers.template import TemplateDriver as AcmeDriver\n")
    info = tmp_path / "rfidguard_acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rfidguard-acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rfidguard.drivers]\nacme_gate = rfidguard_acme:AcmeDriver\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_driver("acme_gate").__name__ == "TemplateDriver"  # type: ignore[attr-defined]
