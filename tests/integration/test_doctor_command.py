"""`rfidguard doctor` against real brokers, ports, files and sockets."""

import json
import os
import pty
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import Broker

from rfidguard import doctor_box
from rfidguard.clock import SystemClock
from rfidguard.config import Config
from rfidguard.doctor import Check, Finding, examine, ok
from rfidguard.doctor_broker import broker
from rfidguard.doctor_links import database, device_checks
from rfidguard.store import Store
from simulators.ports import free_port

ROOT = Path(__file__).parents[2]
ME = doctor_box.Who("me", os.geteuid(), frozenset((os.getegid(), *os.getgroups())))


def config(folder: Path, **sections: Any) -> Config:
    body = {
        "site": {"id": "0001", "company_prefixes": ["0614141"]},
        "database": {"url": f"sqlite:///{folder / 'guard.db'}"},
        "journal": {"dir": str(folder / "journal")},
        "ledger": {"unknown_epc": "stock_only"},
    }
    return Config.model_validate(body | sections)


def with_device(folder: Path, kind: str, **device: Any) -> Config:
    return config(folder, gate=[{"id": "front", kind: [{"id": "d", **device}]}])


def levels(findings: list[Finding]) -> dict[str, str]:
    return {finding.name: finding.level for finding in findings}


def looked_at(settings: Config) -> Finding:
    (finding,) = examine(device_checks(settings, ME))
    return finding


def test_a_reader_that_answers_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reader:
        there = with_device(tmp_path, "reader", driver="llrp", host="127.0.0.1", port=reader.getsockname()[1])
        assert looked_at(there).level == "ok"
    gone = with_device(tmp_path, "reader", driver="llrp", host="127.0.0.1", port=free_port())
    assert looked_at(gone).level == "fail"
    assert "power and network" in looked_at(gone).todo


def test_a_serial_port_that_is_there_is_told_from_one_that_is_not(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        assert looked_at(with_device(tmp_path, "pedestal", driver="eas_serial", port=os.ttyname(theirs))).level == "ok"
    finally:
        os.close(ours)
        os.close(theirs)
    missing = looked_at(with_device(tmp_path, "pedestal", driver="eas_serial", port="/dev/rfidguard/none"))
    assert (missing.level, "serial ports here" in missing.text) == ("fail", True)


def test_a_broker_that_lets_everybody_in_passes_every_test(tmp_path: Path, mosquitto: Broker) -> None:
    findings = list(broker(config(tmp_path, mqtt={"url": f"mqtt://127.0.0.1:{mosquitto.port}"})))
    assert levels(findings) == {"broker": "ok", "broker rights": "ok", "broker 0x10": "ok"}


def test_a_listener_to_everything_hides_that_nobody_listens(tmp_path: Path, mosquitto: Broker) -> None:
    program = shutil.which("mosquitto_sub")
    if program is None:
        pytest.skip("mosquitto_sub is not on this machine")
    command = [program, "-p", str(mosquitto.port), "-t", "#", "-v"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as listener:
        assert listener.stdout is not None
        publish = [program.replace("_sub", "_pub"), "-p", str(mosquitto.port), "-t", "x", "-m", "hello", "-r"]
        subprocess.run(publish, check=True, timeout=20)
        assert listener.stdout.readline() == b"x hello\n"
        findings = list(broker(config(tmp_path, mqtt={"url": f"mqtt://127.0.0.1:{mosquitto.port}"})))
        listener.terminate()
    assert levels(findings)["broker 0x10"] == "warn"


def test_a_broker_that_is_not_there_fails_with_what_to_do(tmp_path: Path) -> None:
    (finding,) = broker(config(tmp_path, mqtt={"url": f"mqtt://127.0.0.1:{free_port()}"}))
    assert finding.level == "fail"
    assert "mqtt.url" in finding.todo


@pytest.fixture
def guarded(tmp_path: Path) -> Any:
    """A broker with logins: guard may do all below its prefix, mute may only log in."""
    folder = tmp_path / "guarded"
    folder.mkdir()
    folder.chmod(0o755)
    tool = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
    (folder / "passwords").touch(mode=0o600)
    for user in ("guard", "mute"):
        subprocess.run([tool, "-b", str(folder / "passwords"), user, "secret"], check=True, capture_output=True, timeout=20)
    (folder / "acl").write_text("user guard\ntopic readwrite rfidguard/0001/#\nuser mute\ntopic read rfidguard/0001/#\n")
    (folder / "acl").chmod(0o600)
    guard = Broker(folder)
    guard.extra = (
        f"listener {guard.port} 127.0.0.1\nallow_anonymous false\npassword_file {folder / 'passwords'}\n"
        f"acl_file {folder / 'acl'}\nuser root\n"
    )
    guard.start()
    yield guard
    guard.stop()


def logged_in(folder: Path, port: int, user: str, password: str) -> dict[str, str]:
    (folder / "password").write_text(f"{password}\n")
    mqtt = {"url": f"mqtt://127.0.0.1:{port}", "username": user, "password_file": str(folder / "password")}
    return levels(list(broker(config(folder, mqtt=mqtt))))


def test_a_wrong_password_and_a_refused_right_are_told(tmp_path: Path, guarded: Broker) -> None:
    assert logged_in(tmp_path, guarded.port, "guard", "secret")["broker rights"] == "ok"
    assert logged_in(tmp_path, guarded.port, "guard", "wrong") == {"broker": "fail"}
    assert logged_in(tmp_path, guarded.port, "mute", "secret") == {"broker": "ok", "broker rights": "fail"}


def test_a_database_is_opened_migrated_and_probed_and_a_missing_stock_count_is_told(tmp_path: Path) -> None:
    settings = config(tmp_path)
    assert levels(list(database(settings, ME, SystemClock()))) == {"database": "ok"}
    assert not (tmp_path / "guard.db").exists()
    with Store(settings.database.url, SystemClock()):
        found = levels(list(database(settings, ME, SystemClock())))
        assert found == {"database": "ok", "sales": "warn", "ledger.unknown_epc": "warn", "gates": "ok"}


def test_a_damaged_or_foreign_database_fails_with_what_to_do(tmp_path: Path) -> None:
    settings = config(tmp_path)
    (tmp_path / "guard.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 4000)
    assert next(database(settings, ME, SystemClock())).level == "fail"
    (tmp_path / "guard.db").unlink()
    with sqlite3.connect(tmp_path / "guard.db") as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    found = list(database(settings, ME, SystemClock()))
    assert [finding.level for finding in found] == ["ok", "fail"]
    assert "another program" in found[1].text


def test_a_database_in_memory_is_warned_of(tmp_path: Path) -> None:
    (finding,) = database(config(tmp_path, database={"url": "sqlite://"}), ME, SystemClock())
    assert finding.level == "warn"


def test_names_that_another_distribution_brings_fail() -> None:
    assert levels(list(doctor_box.names({"rules": ["rfidguard"]}))) == {"names": "ok"}
    (finding,) = doctor_box.names({"rules": ["rfidguard", "business-rules"]})
    assert finding.level == "fail"
    assert "business-rules" in finding.text


def test_the_port_of_the_page_is_free_or_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        threading.Thread(target=_hang_up, args=(taken,), daemon=True).start()
        (finding,) = doctor_box.http_port(config(tmp_path, http={"listen": address}))
    assert finding.level == "fail"
    (finding,) = doctor_box.http_port(config(tmp_path, http={"listen": f"127.0.0.1:{free_port()}"}))
    assert finding.level == "ok"


def _hang_up(server: socket.socket) -> None:
    try:
        while True:
            server.accept()[0].close()
    except OSError:
        return


def test_a_folder_that_is_a_file_or_belongs_to_somebody_else_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert doctor_box.writable_folder("journal", tmp_path / "file", ME).level == "fail"
    assert doctor_box.writable_folder("journal", tmp_path / "new" / "er", ME).level == "ok"
    stranger = doctor_box.Who("stranger", 54_321, frozenset())
    tmp_path.chmod(0o755)
    assert doctor_box.writable_folder("journal", tmp_path, stranger).level == "fail"


def test_a_secret_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("x")
    secret.chmod(0o644)
    assert [finding.level for finding in doctor_box.secret_files([secret], ME)] == ["warn"]
    secret.chmod(0o600)
    assert [finding.level for finding in doctor_box.secret_files([secret], ME)] == ["ok"]
    stranger = doctor_box.Who("stranger", 54_321, frozenset())
    assert [finding.level for finding in doctor_box.secret_files([secret], stranger)] == ["fail"]


def test_a_check_that_hangs_or_breaks_is_a_failure_of_its_own() -> None:
    never = threading.Event()

    def hang() -> list[Finding]:
        never.wait(20)
        return []

    def broken() -> list[Finding]:
        raise ValueError("oops")

    found = examine([Check("slow", hang, 0.05), Check("broken", broken), Check("fine", lambda: [ok("fine", "yes")])])
    never.set()
    assert levels(found) == {"slow": "fail", "broken": "fail", "fine": "ok"}


def test_the_command_gives_one_line_a_check_and_fails_where_one_does(tmp_path: Path, mosquitto: Broker) -> None:
    path = tmp_path / "shop.toml"
    text = f"""
[site]
id = "0001"
company_prefixes = ["0614141"]
[database]
url = "sqlite:///{tmp_path}/guard.db"
[journal]
dir = "{tmp_path}/journal"
max_mb = 1
[mqtt]
url = "mqtt://127.0.0.1:{mosquitto.port}"
[http]
listen = "127.0.0.1:{free_port()}"
"""
    path.write_text(text)
    command = [sys.executable, "-m", "rfidguard", "doctor", "--config", str(path)]
    fine = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert fine.returncode == 0, fine.stdout
    assert all(line.startswith(("ok  ", "warn")) for line in fine.stdout.splitlines()[:-1])
    mosquitto.stop()
    failed = subprocess.run([*command, "--json"], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    report = json.loads(failed.stdout)
    assert (failed.returncode, report["ok"]) == (1, False)
    assert [finding["name"] for finding in report["findings"] if finding["level"] == "fail"] == ["broker"]
    path.write_text(text.replace('"0001"', "1"))
    wrong = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert wrong.returncode == 1
    assert "fail config" in wrong.stdout
