"""Outside programs to test against, each in its own environment below `.cache/peers`, installed once by whoever needs it first.

Python peers get a venv each, npm peers a folder each; tshark comes from the system. A peer that cannot be had is a failure in
CI (variable CI set) and a skip elsewhere.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "peers"
INSTALL_S = 600

SLLURP = ("sllurp==3.0.5",)
LLRPKIT = ("llrpkit==0.3.0",)
PYLLRP = ("pyllrp==3.1.1", "bitstring<5")
LLRPJS = ("llrpjs@1.0.1",)


def sllurp() -> Path:
    """A Python with sllurp."""
    return _venv("sllurp", SLLURP) / "bin" / "python"


def llrpkit() -> Path:
    """The llrpkit command."""
    return _venv("llrpkit", LLRPKIT) / "bin" / "llrpkit"


def pyllrp() -> Path:
    """A Python with pyllrp."""
    return _venv("pyllrp", PYLLRP) / "bin" / "python"


def llrpjs() -> Path:
    """The folder whose node_modules holds llrpjs."""
    return _npm("llrpjs", LLRPJS)


def node() -> str:
    """The node program."""
    return _program("node", "nodejs")


def tshark() -> str:
    """The tshark program."""
    return _program("tshark", "tshark")


def run(*command: str | Path, timeout_s: float = 60) -> str:
    """A peer's standard output and error; AssertionError when it fails."""
    done = subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        text=True,
        env={name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONWARNINGS")},
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def malformed(pcap: Path, port: int) -> list[str]:
    """What tshark finds wrong in a capture of LLRP on a port; empty = every frame is well formed."""
    decode = (tshark(), "-r", str(pcap), "-d", f"tcp.port=={port},llrp")
    out = run(*decode, "-Y", "_ws.malformed || _ws.expert.severity >= 6291456")
    return [line for line in out.splitlines() if line.strip() and not line.startswith("Running as user")]


def dissected(pcap: Path, port: int) -> list[int]:
    """The types of the LLRP messages that tshark sees, in order."""
    out = run(tshark(), "-r", str(pcap), "-d", f"tcp.port=={port},llrp", "-Y", "llrp", "-T", "fields", "-e", "llrp.type")
    lines = [line for line in out.splitlines() if line and line[0].isdigit()]
    return [int(number) for line in lines for number in line.split(",")]


class Recorder:
    """A TCP proxy on the loopback that keeps every byte of both directions and writes them as a capture file."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.chunks: list[tuple[int, bool, bytes]] = []
        """Connection number, whether the client sent it, and the bytes, in order."""
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for sock in self._open:
            _shut(sock)
        for thread in self._threads:
            thread.join(10)
        for sock in self._open:
            sock.close()

    def write_pcap(self, path: Path) -> None:
        """The recorded bytes as IPv4 + TCP packets (libpcap format, link type 101 = raw IP)."""
        sent: dict[tuple[int, bool], int] = {}
        with path.open("wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101))
            for number, (connection, from_client, data) in enumerate(self.chunks):
                for start in range(0, len(data), 32_768):
                    part = data[start : start + 32_768]
                    packet = _packet(connection, from_client, self.target, part, sent)
                    out.write(struct.pack("<IIII", number // 1000, number % 1000 * 1000, len(packet), len(packet)) + packet)

    def _serve(self) -> None:
        connection = 0
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            reader = socket.create_connection(("127.0.0.1", self.target))
            self._open += [client, reader]
            for source, sink, from_client in ((client, reader, True), (reader, client, False)):
                thread = threading.Thread(target=self._carry, args=(connection, source, sink, from_client), daemon=True)
                self._threads.append(thread)
                thread.start()
            connection += 1

    def _carry(self, connection: int, source: socket.socket, sink: socket.socket, from_client: bool) -> None:
        try:
            while data := source.recv(65_536):
                with self._lock:
                    self.chunks.append((connection, from_client, data))
                sink.sendall(data)
        except OSError:
            pass
        _shut(sink)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _packet(connection: int, from_client: bool, port: int, data: bytes, sent: dict[tuple[int, bool], int]) -> bytes:
    """One IPv4 packet with a TCP segment; sequence numbers count each direction's bytes."""
    ports = (40_000 + connection, port) if from_client else (port, 40_000 + connection)
    sequence = sent.get((connection, from_client), 1)
    sent[connection, from_client] = sequence + len(data)
    acknowledged = sent.get((connection, not from_client), 1)
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence, acknowledged, 0x50, 0x18, 65_535, 0, 0)
    hosts = (b"\x0a\0\0\x01", b"\x0a\0\0\x02") if from_client else (b"\x0a\0\0\x02", b"\x0a\0\0\x01")
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0, *hosts)
    return ip + tcp + data


def _venv(name: str, requirements: tuple[str, ...]) -> Path:
    folder = CACHE / name
    with _built_once(name, requirements) as needed:
        if needed:
            shutil.rmtree(folder, ignore_errors=True)
            _install(name, sys.executable, "-m", "venv", str(folder))
            _install(name, str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements)
    return folder


def _npm(name: str, packages: tuple[str, ...]) -> Path:
    folder = CACHE / name
    npm = _program("npm", "npm")
    with _built_once(name, packages) as needed:
        if needed:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _install(name, npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", *packages)
    return folder


@contextmanager
def _built_once(name: str, what: tuple[str, ...]) -> Iterator[bool]:
    """True when the environment must be built; other processes wait meanwhile. Its stamp is written only after success."""
    CACHE.mkdir(parents=True, exist_ok=True)
    stamp, wanted = CACHE / f"{name}.stamp", " ".join(what)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        needed = not stamp.exists() or stamp.read_text() != wanted
        yield needed
        if needed:
            stamp.write_text(wanted)


def _install(name: str, *command: str) -> None:
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=INSTALL_S, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        _missing(f"{name}: not installed within {INSTALL_S} s")
        return
    if done.returncode != 0:
        _missing(f"{name} cannot be installed:\n{done.stdout[-2000:]}")


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        _missing(f"{name} is not there; install the system's package {package}")
    return found or name


def _missing(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
