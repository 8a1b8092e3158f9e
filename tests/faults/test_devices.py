"""Readers and pedestals that reboot, fall silent, talk nonsense, are pulled out; and drivers that hang."""

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from invariants import check
from shop import Shop
from wait import wait_for

from simulators.pedestal import SimPedestal

HANGING = '''
import threading
from collections import Counter
from drivers.eas_serial import EasSerialSettings
from rfidguard.driver import DriverSettings
from rfidguard.events import Device

class Hanging:
    """Hangs on its first run without ever looking at `stop`; works on its second."""
    Settings = DriverSettings
    kinds = ("pedestal",)
    runs = 0
    def __init__(self, device, gate, settings, clock, antennas):
        self.device, self.rejects, self.clock = device, Counter(), clock
    def run(self, emit, stop, orders):
        Hanging.runs += 1
        if Hanging.runs == 1:
            threading.Event().wait()
        emit(Device(at=self.clock.now(), device=self.device, state="online"))
        while not stop.wait(0.2):
            pass
'''

STUCK = '''
import threading
from pathlib import Path
from rfidguard.rule import RuleParams

KINDS = ()

class Params(RuleParams):
    pass

def judge(passage, answer, params):
    """Hangs the first time that something leaves, in the first process only."""
    if passage.leaves() and not Path("stuck").exists():
        Path("stuck").touch()
        threading.Event().wait()
    return None
'''


@pytest.mark.soak
def test_reader_that_reboots_is_watched_again(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    assert shop.reader is not None
    shop.reader.faults.reboot(1.0)
    wait_for(lambda: shop.reader is not None and not shop.reader.connected, 10, "the reboot")
    check(shop)


def test_reader_that_falls_silent_is_found_out_and_watched_again(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    ear = shop.ear()
    assert shop.reader is not None
    shop.reader.faults.set(silent=True)
    wait_for(lambda: ear.newest.get("gate/front/status", {}).get("state") == "offline", 30, "the blind gate told")
    shop.reader.faults.heal()
    check(shop)


@pytest.mark.soak
def test_garbage_from_a_reader_is_survived(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    assert shop.reader is not None
    shop.reader.faults.send(bytes(range(256)) * 20)
    check(shop)


def test_pedestal_pulled_out_and_plugged_in_again_rings(tmp_path: Path) -> None:
    with SimPedestal(link=tmp_path / "eas") as pedestal, Shop(tmp_path, extra=_pedestal("eas_serial", pedestal.port)) as shop:
        shop.start()
        hand = shop.open_up()
        ear = shop.ear()
        pedestal.unplug()
        wait_for(lambda: ear.newest.get("device/front-eas/status", {}).get("state") == "offline", 20, "the loss told")
        pedestal.replug()
        wait_for(lambda: ear.newest["device/front-eas/status"]["state"] == "online", 20, "the pedestal back")
        pedestal.say("alarm")
        wait_for(lambda: [h for h in hand.events if h.body and h.body["kind"] == "eas_unidentified"], 30, "its alarm")
        check(shop)


def test_driver_that_hangs_is_started_anew_alone_and_named(tmp_path: Path) -> None:
    plug = _plug(tmp_path, "drivers", "hanging", HANGING, ":Hanging")
    with Shop(tmp_path, extra=_pedestal("hanging")) as shop, manager() as (address, words):
        shop.start(PYTHONPATH=shop.python_path(plug), NOTIFY_SOCKET=address)
        assert shop.process is not None
        shop.handheld()
        shop.ready()
        wait_for(lambda: "STATUS=device front-eas hangs or is gone" in words, 60, "the culprit named to systemd")
        check(shop)
        assert "WATCHDOG=1" in words[words.index("STATUS=device front-eas hangs or is gone") :]
        assert shop.process.poll() is None
        assert len(shop.log().split("web server listens")) == 2


@pytest.mark.soak
def test_core_that_hangs_ends_the_process_and_the_next_one_rings(tmp_path: Path) -> None:
    plug = _plug(tmp_path, "rules", "stuck", STUCK)
    with Shop(tmp_path, extra='[[rule]]\nuse = "stuck"\n[[rule]]\nuse = "unpaid"\n') as shop:
        shop.start(PYTHONPATH=shop.python_path(plug))
        assert shop.process is not None
        shop.open_up()
        shop.steal()
        assert shop.process.wait(60) == 70
        assert "core hangs or is gone" in shop.log()
        shop.start(PYTHONPATH=shop.python_path(plug))
        check(shop)


@contextmanager
def manager() -> Iterator[tuple[str, list[str]]]:
    """A service manager's socket: its address, and every line that the daemon sent to it."""
    words: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        address = f"\0rfidguard-test-{uuid.uuid4()}"
        wire.bind(address)

        def listen() -> None:
            while (data := wire.recv(4096)) != b"end":
                words.extend(data.decode().splitlines())

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield f"@{address[1:]}", words
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"end", address)
        thread.join(10)


def _pedestal(driver: str, port: str | None = None) -> str:
    line = "" if port is None else f'port = "{port}"\n'
    return f'  [[gate.pedestal]]\n  id = "front-eas"\n  driver = "{driver}"\n  {line}'


def _plug(folder: Path, kind: str, name: str, source: str, attribute: str = "") -> Path:
    """An outside package that brings a driver or rule by entry point."""
    plug = folder / "plug"
    info = plug / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (plug / f"{name}_plug.py").write_text(source)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[rfidguard.{kind}]\n{name} = {name}_plug{attribute}\n")
    return plug
