"""`rfidguard sim reader` as a program: what it says, plays, and refuses."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from llrp_client import CAPABILITIES, SET_CONFIG, Client, events, gpi, gpo, rospec
from reader_program import Program, write_journal

from rfidguard.cli import main


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    running: list[Program] = []

    def starter(*arguments: str | Path) -> Program:
        running.append(Program("--port", "0", *arguments))
        return running[-1]

    yield starter
    for program in running:
        if not program.ended:
            program.end()


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the command within this process; what it says on standard error when it ends with 2."""

    def run(*arguments: str | Path) -> str:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["rfidguard", "sim", "reader", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        return capsys.readouterr().err

    return run


def test_it_plays_the_journal_and_tells_of_clients_outputs_and_the_end(tmp_path: Path, start: Callable[..., Program]) -> None:
    program = start("--journal", write_journal(tmp_path / "j.jsonl"), "--speed", "10")
    with Client(program.port) as client:
        client.run(rospec())
        assert [int(str(tag["epc"]), 16) for tag in client.await_tags(200)] == list(range(200))
        assert client.ask(SET_CONFIG, b"\0" + gpo(1, True)).status == 0
        program.await_text("front-1: output 1 on")
        program.await_text("at its end, 200 tags sent")
    program.await_text("disconnected")
    assert program.end() == 0
    assert "front-1 (impinj) listens on 127.0.0.1 port" in program.said


def test_journal_time_runs_on_while_no_client_is_there(tmp_path: Path, start: Callable[..., Program]) -> None:
    program = start("--journal", write_journal(tmp_path / "j.jsonl", 4000))
    with Client(program.port) as client:
        client.run(rospec())
        last = client.await_tags(1)[-1]
    program.await_text("disconnected")
    with Client(program.port) as client:
        first = client.await_tags(1)[0]
    gap = int(str(first["epc"]), 16) - int(str(last["epc"]), 16)
    assert gap == pytest.approx((int(str(first[2])) - int(str(last[2]))) / 5000, abs=0.1)


def test_it_is_state_aware_where_it_is_asked_to_be(tmp_path: Path, start: Callable[..., Program]) -> None:
    for option, says in (("--generic", 0), ("--state-aware", 0x10)):
        program = start("--journal", write_journal(tmp_path / "j.jsonl"), option)
        with Client(program.port) as client:
            (told,) = client.ask(CAPABILITIES, b"\2").parameters[142]
        assert told[0] & 0x10 == says


def test_inputs_change_by_script(tmp_path: Path, start: Callable[..., Program]) -> None:
    program = start("--journal", write_journal(tmp_path / "j.jsonl"), "--gpi", "0.05:2=high,0.1:2=low")
    with Client(program.port) as client:
        assert client.ask(SET_CONFIG, b"\0" + gpi(2) + events(1)).status == 0
        client.run(rospec())
        client.await_event(248)
        client.await_event(248)


def test_faults_come_by_option_and_by_file(tmp_path: Path, start: Callable[..., Program]) -> None:
    (tmp_path / "f.toml").write_text('[[fault]]\nat = 0.1\ndo = "drop"\n')
    program = start("--journal", write_journal(tmp_path / "j.jsonl"), "--fault", "no_utc", "--faults", tmp_path / "f.toml")
    with Client(program.port) as client:
        client.run(rospec())
        assert 3 in client.await_tags(1)[0]
        with pytest.raises((EOFError, ConnectionResetError)):
            client.await_kind(9999)


def test_it_says_which_reader_it_took(tmp_path: Path, start: Callable[..., Program]) -> None:
    path = write_journal(tmp_path / "a.jsonl", 3)
    path.write_bytes(path.read_bytes() + write_journal(tmp_path / "b.jsonl", 3, "back-1").read_bytes())
    assert "plays the reads of front-1; the journal also holds back-1" in start("--journal", path).said
    assert "back-1 (impinj)" in start("--journal", path, "--reader", "back-1").said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "0", "--journal", "none.jsonl"), "none.jsonl: cannot be read"),
        (("--port", "70000", "--journal", "x"), "65535"),
        (("--port", "0"), "--journal"),
    ],
)
def test_bad_usage_is_told_and_ends_with_2(refused: Callable[..., str], arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(*arguments)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--speed", "0", "--speed: 0.0 is not more than 0"),
        ("--region", "mars", "'mars' is not one of fcc, etsi"),
        ("--reader", "x", "no reads of reader 'x'; it has reads of front-1"),
        ("--gpi", "x", "2.0:1=high"),
        ("--fault", "1:explode", "`do` is one of"),
        ("--host", "203.0.113.9", "cannot listen on 203.0.113.9"),
    ],
)
def test_a_bad_option_is_told_and_ends_with_2(
    refused: Callable[..., str], tmp_path: Path, option: str, value: str, said: str
) -> None:
    assert said in refused("--port", "0", "--journal", write_journal(tmp_path / "j.jsonl", 3), option, value)


def test_a_port_in_use_is_told_and_ends_with_2(refused: Callable[..., str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refused("--port", str(taken.getsockname()[1]), "--journal", write_journal(tmp_path / "j.jsonl", 3))
    assert "in use" in said
