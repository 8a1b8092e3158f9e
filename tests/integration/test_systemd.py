"""The unit, the user, the folders, the device names and the example configuration."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rfidguard.config_file import check

FOLDER = Path(__file__).parents[2] / "systemd"
UNIT = FOLDER / "rfidguard.service"
MOST_EXPOSED = 15
"""In tenths: a score of 1.5."""


def tool(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/bin")
    if path is None:
        pytest.skip(f"{name} is not on this machine")
    return path


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)


def settings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_is_hardened_to_a_score_of_at_most_one_and_a_half() -> None:
    done = run(tool("systemd-analyze"), "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", "--no-pager", UNIT)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    score = re.search(r"exposure level for rfidguard\.service: ([0-9.]+)", done.stdout)
    assert score is not None
    assert float(score[1]) <= MOST_EXPOSED / 10


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    program = tmp_path / "rfidguard"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "rfidguard.service"
    unit.write_text(UNIT.read_text().replace("/opt/rfidguard/bin/rfidguard", str(program)))
    done = run(tool("systemd-analyze"), "verify", "--man=no", unit)
    complaints = [line for line in done.stderr.splitlines() if "rfidguard.service" in line]
    assert (done.returncode, complaints) == (0, [])


def test_the_daemon_says_when_it_is_ready_is_watched_and_restarted_for_ever() -> None:
    found = settings()
    assert found["Type"] == ["notify"]
    assert int(found["WatchdogSec"][0]) <= 60
    assert found["Restart"] == ["always"]
    assert found["StartLimitIntervalSec"] == ["0"]
    assert found["ExecStartPre"] == ["/opt/rfidguard/bin/rfidguard check"]


def test_the_unit_starts_without_a_broker_and_can_open_serial_ports() -> None:
    found = settings()
    assert "Requires" not in found
    assert "PrivateDevices" not in found
    assert "char-ttyUSB rw" in found["DeviceAllow"]
    assert found["SupplementaryGroups"] == ["dialout"]


def bare_root(folder: Path) -> Path:
    """A root file system with nothing but the users and groups that every Debian has."""
    (folder / "etc").mkdir()
    (folder / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (folder / "etc" / "group").write_text("root:x:0:\ndialout:x:20:\n")
    return folder


def test_the_user_is_made_and_may_open_serial_ports(tmp_path: Path) -> None:
    root = bare_root(tmp_path)
    done = run(tool("systemd-sysusers"), f"--root={root}", "--dry-run", FOLDER / "rfidguard.sysusers")
    assert done.returncode == 0, done.stderr
    assert "Creating user 'rfidguard'" in done.stderr
    assert "m rfidguard dialout" in (FOLDER / "rfidguard.sysusers").read_text()


def test_systemd_understands_the_folders(tmp_path: Path) -> None:
    root = bare_root(tmp_path)
    rules = (FOLDER / "rfidguard.tmpfiles").read_text()
    mine = re.sub(r"(0750) +\S+ +rfidguard", rf"\1 {os.getuid()} {os.getgid()}", rules)
    (tmp_path / "mine.conf").write_text(mine)
    done = run(tool("systemd-tmpfiles"), f"--root={root}", "--create", tmp_path / "mine.conf")
    assert done.returncode == 0, done.stderr
    assert (root / "etc/rfidguard").stat().st_mode & 0o777 == 0o750
    assert (root / "var/lib/rfidguard").stat().st_mode & 0o777 == 0o750


def test_every_rule_for_device_names_is_a_list_of_matches_and_assignments() -> None:
    part = r'[A-Z]+(\{\w+\})?(==|!=|=|\+=|:=)"[^"]*"'
    lines = [line.removeprefix("#") for line in (FOLDER / "99-rfidguard.rules").read_text().splitlines()]
    rules = [line for line in lines if line.startswith("ACTION")]
    assert rules
    assert all(re.fullmatch(rf"{part}(, {part})*", rule) for rule in rules)
    assert all('SYMLINK+="rfidguard/' in rule for rule in rules)


def test_the_example_configuration_has_no_mistake_and_says_what_observe_means() -> None:
    problems = check(FOLDER / "rfidguard.toml.example", {})
    assert [problem.key for problem in problems] == ["ledger.unknown_epc"]
    assert "nothing alarms" in problems[0].text


def test_what_the_example_leaves_out_is_right_too(tmp_path: Path) -> None:
    text = (FOLDER / "rfidguard.toml.example").read_text()
    everything = re.sub(r"(?m)^( *)# (?=(\[|[a-z_]+ = ))", r"\1", text)
    (tmp_path / "rfidguard.toml").write_text(everything)
    for name in ("mqtt.password", "till-3.token"):
        (tmp_path / name).write_text("x")
    errors = [problem for problem in check(tmp_path / "rfidguard.toml", {}) if problem.level == "error"]
    assert [problem.key for problem in errors] == ["mqtt.ca_file", "http.cert_file", "http.key_file"]


def test_the_steps_name_files_that_are_there() -> None:
    named = set(
        re.findall(
            r"(?:rfidguard\.(?:service|sysusers|tmpfiles|toml\.example)|99-rfidguard\.rules)", (FOLDER / "README.md").read_text()
        )
    )
    assert {path for path in named if not (FOLDER / path).is_file()} == set()
    assert len(named) == 5
