"""What `doctor` looks at on this machine: Python, names, clock, disk, folders, the staff page's port, the service."""

import grp
import importlib.util
import os
import platform
import pwd
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from rfidguard import __version__
from rfidguard.clock import Clock
from rfidguard.config import Config
from rfidguard.doctor import Finding, fail, ok, warn
from rfidguard.web.access import is_loopback

SERVICE_USER = "rfidguard"
OUR_NAMES = ("rfidguard", "drivers", "rules", "simulators")
_LIBRARIES = ("paho-mqtt", "pydantic", "pyserial", "sllurp", "sqlalchemy", "zstandard")
_FIRST_SANE_YEAR = 2025
_ROOM_BESIDES_BYTES = 500_000_000
_LEAST_ROOM_BYTES = 100_000_000
_UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)


@dataclass(frozen=True)
class Who:
    """The user that the daemon runs as: who may read, write and open is asked for them."""

    name: str
    uid: int
    groups: frozenset[int]

    def may(self, path: Path, bits: int) -> bool:
        """True where the permission bits of `path` (4 read, 2 write, 1 enter) allow it to this user."""
        stat = path.stat()
        if self.uid == 0:
            return True
        if stat.st_uid == self.uid:
            return (stat.st_mode >> 6) & bits == bits
        return (stat.st_mode >> (3 if stat.st_gid in self.groups else 0)) & bits == bits


def daemon_user() -> Who:
    """The service's user where root asks and there is one, else who is asking. The unit adds the group dialout."""
    if os.geteuid() == 0:
        try:
            entry = pwd.getpwnam(SERVICE_USER)
        except KeyError:
            pass
        else:
            return Who(entry.pw_name, entry.pw_uid, frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid)) | _dialout())
    uid = os.geteuid()
    return Who(_user_name(uid), uid, frozenset((os.getegid(), *os.getgroups())))


def python() -> Iterator[Finding]:
    libraries = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    missing = [name for name in _LIBRARIES if _version(name) == "missing"]
    text = f"Python {platform.python_version()}, rfidguard {__version__}, {libraries}"
    yield fail("python", text, f"pip install {' '.join(missing)}") if missing else ok("python", text)


def names(owners: Mapping[str, Sequence[str]] | None = None) -> Iterator[Finding]:
    """`drivers`, `rules` and `simulators` are everyday words: another distribution may bring packages of that name."""
    found = packages_distributions() if owners is None else owners
    strangers = {name: sorted(set(found.get(name, ())) - {"rfidguard"}) for name in OUR_NAMES}
    for name, others in strangers.items():
        if others:
            todo = "install rfidguard in an environment of its own (python -m venv, or pipx)"
            yield fail("names", f"the package name {name!r} belongs to {', '.join(others)} as well", todo)
    home = Path(__file__).parent.parent
    for name in OUR_NAMES[1:]:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or Path(spec.origin).parent.parent != home:
            yield fail(
                "names", f"{name!r} is imported from {spec and spec.origin}, not from {home}", "use an environment of its own"
            )
    if not any(strangers.values()):
        yield ok("names", f"{', '.join(OUR_NAMES)} belong to rfidguard alone")


def clock_sane(clock: Clock) -> Iterator[Finding]:
    now = datetime.fromtimestamp(clock.now(), UTC)
    todo = "set the clock; sudo timedatectl set-ntp true"
    if now.year < _FIRST_SANE_YEAR:
        yield fail("clock", f"it says {now:%Y-%m-%d %H:%M}Z", todo)
        return
    synchronised = _asked(["timedatectl", "show", "-p", "NTPSynchronized", "--value"])
    if synchronised == "no":
        yield warn("clock", f"{now:%Y-%m-%d %H:%M:%S}Z, not synchronised", todo)
    else:
        known = "synchronised" if synchronised == "yes" else "nobody here can say whether it is synchronised"
        yield ok("clock", f"{now:%Y-%m-%d %H:%M:%S}Z, {known}")


def disk(config: Config, database: Path | None) -> Iterator[Finding]:
    folders = [_nearest_folder(config.journal.dir), *([_nearest_folder(database.parent)] if database else [])]
    for folder in {folder.stat().st_dev: folder for folder in folders}.values():
        free = shutil.disk_usage(folder).free
        wanted = config.journal.max_mb * 1024 * 1024 - _used(config.journal.dir) + _ROOM_BESIDES_BYTES
        text = f"{free / 1e9:.1f} GB free at {folder}"
        if free < _LEAST_ROOM_BYTES:
            yield fail("disk", text, "make room: alarms and sales cannot be stored on a full disk")
        elif free < wanted:
            todo = f"make room, or lower journal.max_mb ({config.journal.max_mb})"
            yield warn("disk", f"{text}, {wanted / 1e9:.1f} GB may be needed", todo)
        else:
            yield ok("disk", text)


def journal_folder(config: Config, who: Who) -> Iterator[Finding]:
    yield writable_folder("journal", config.journal.dir, who)


def writable_folder(name: str, folder: Path, who: Who) -> Finding:
    """A folder that the daemon must be able to write to; it makes the last one itself."""
    path = folder.absolute()
    try:
        if path.exists() and not path.is_dir():
            return fail(name, f"{path} is no folder", "name another in the configuration")
        if path.is_dir():
            return ok(name, f"{path} can be written") if who.may(path, 3) else _denied(name, path, who)
        above = _nearest_folder(path)
        return ok(name, f"{path} will be made") if who.may(above, 3) else _denied(name, above, who)
    except PermissionError:
        return _denied(name, path, who)


def secret_files(files: Sequence[Path], who: Who) -> Iterator[Finding]:
    for file in files:
        if not who.may(file, 4):
            yield fail("secrets", f"{file} cannot be read by {who.name}", f"sudo chown {who.name} {file}")
        elif file.stat().st_mode & 0o077:
            yield warn("secrets", f"{file} can be read by others", f"chmod 600 {file}")
        else:
            yield ok("secrets", f"{file} is there, for its owner only")


def http_port(config: Config) -> Iterator[Finding]:
    host, _, port = config.http.listen.rpartition(":")
    host = host.strip("[]")
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError:
        yield fail("http", f"{config.http.listen}: ports below 1024 are not for everybody", "use a port from 1024 on")
    except OSError as error:
        if _is_ours(config.http.listen, tls=config.http.cert_file is not None):
            yield ok("http", f"{config.http.listen}: rfidguard is running and answers there")
        else:
            yield fail("http", f"{config.http.listen}: {error.strerror}", "end what uses it, or change http.listen")
    else:
        yield ok("http", f"{config.http.listen} is free")
    if config.http.cert_file is None and not is_loopback(host):
        todo = "set http.cert_file and http.key_file, or listen on loopback behind a proxy with TLS"
        yield warn("http", f"{config.http.listen} can be reached by others, and tokens pass unencrypted", todo)


def service() -> Iterator[Finding]:
    installed = [path for folder in _UNIT_FOLDERS if (path := Path(folder) / "rfidguard.service").is_file()]
    if not installed:
        yield warn("service", "no systemd unit is installed", "see systemd/README.md: install on a box")
        return
    enabled = _asked(["systemctl", "is-enabled", "rfidguard.service"])
    active = _asked(["systemctl", "is-active", "rfidguard.service"])
    if enabled in ("enabled", None):
        yield ok("service", f"{installed[0]}, {enabled or 'state unknown'}, {active or 'state unknown'}")
    else:
        yield warn("service", f"{installed[0]} is {enabled}", "sudo systemctl enable --now rfidguard")


def _is_ours(listen: str, tls: bool) -> bool:
    """Whether a web server answers there. Over TLS the answer is that it greets: its certificate may be made for another name."""
    host, _, port = listen.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    try:
        if tls:
            return _greets(host.strip("[]"), int(port))
        with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=3) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code == 503
    except (OSError, ValueError):
        return False


def _greets(host: str, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((host, port), 3) as link, context.wrap_socket(link):
        return True


def _denied(name: str, path: Path, who: Who) -> Finding:
    return fail(name, f"{path} cannot be written by {who.name}", f"sudo chown {who.name} {path}")


def _asked(command: list[str]) -> str | None:
    """The first line that a program answers; None where there is no such program, or no answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=3, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().partition("\n")[0] or None


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.is_dir())


def _used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) if folder.is_dir() else 0


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _dialout() -> frozenset[int]:
    try:
        return frozenset((grp.getgrnam("dialout").gr_gid,))
    except KeyError:
        return frozenset()
