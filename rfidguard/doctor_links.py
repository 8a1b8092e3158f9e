"""What `doctor` looks at beyond this machine: readers, serial pedestals, and the database."""

import grp
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.engine import make_url

from rfidguard.catalogue_db import FULL, last_counts
from rfidguard.clock import Clock
from rfidguard.config import Config, DeviceSection
from rfidguard.doctor import Check, Finding, fail, ok, warn
from rfidguard.doctor_box import Who, writable_folder
from rfidguard.doctor_feeds import feed_findings
from rfidguard.driver import load_driver
from rfidguard.errors import RfidguardError
from rfidguard.exit_tally import DAYS, Passed, advice, passed_lately
from rfidguard.feed_standing import standings
from rfidguard.schema import ledger_records
from rfidguard.site_watch import local_day

_CONNECT_S = 3.0
_INTERRUPT_AFTER_S = 20.0
DATABASE_DEADLINE_S = 40.0


def device_checks(config: Config, who: Who) -> Iterator[Check]:
    """One check for each device that has an address or a port of its own."""
    for gate in config.gate:
        for device in (*gate.reader, *gate.pedestal, *gate.counter):
            settings = load_driver(device.driver).Settings(**device.settings())
            host, port = getattr(settings, "host", None), getattr(settings, "port", None)
            if isinstance(host, str) and isinstance(port, int):
                yield Check(device.id, _later(_reachable, device, host, port))
            elif isinstance(port, str):
                yield Check(device.id, _later(_serial, device, port, who))


def database_path(config: Config) -> Path | None:
    """The file of the database; None for one in memory or on a server."""
    url = make_url(config.database.url)
    in_memory = url.database in (None, "", ":memory:")
    return None if url.get_backend_name() != "sqlite" or in_memory else Path(str(url.database)).absolute()


def database(config: Config, who: Who, clock: Clock) -> Iterator[Finding]:
    """Opens, migrates and probes the database as the daemon would; leaves alone what would then belong to the wrong user."""
    path = database_path(config)
    if path is None:
        if make_url(config.database.url).get_backend_name() == "sqlite":
            yield warn("database", "in memory: sales and open alarms are lost at each restart", "name a file or a server")
        else:
            yield from _opened(config, clock)
        return
    if not path.parent.is_dir():
        yield fail("database", f"the folder {path.parent} does not exist", f"sudo install -d -o {who.name} {path.parent}")
        return
    if not path.exists():
        folder = writable_folder("database", path.parent, who)
        yield ok("database", f"{path} will be made at the first start") if folder.level == "ok" else folder
        return
    if not who.may(path, 6):
        yield fail("database", f"{path} cannot be read and written by {who.name}", f"sudo chown {who.name} {path}")
        return
    sound = _quick_check(path)
    yield sound
    if sound.level == "ok":
        yield from _opened(config, clock) if path.stat().st_uid == who.uid else ()


def _opened(config: Config, clock: Clock) -> Iterator[Finding]:
    from rfidguard.store import Store

    try:
        with Store(config.database.url, clock) as store:
            store.write(lambda conn: conn.execute(select(1)).scalar()).result(DATABASE_DEADLINE_S / 2)
            stocked = store.read(_has_stock)
            today = local_day(clock.now(), config)
            lately = store.read(lambda conn: (passed_lately(conn, today), FULL in last_counts(conn)))
            sources = store.read(lambda conn: standings(conn, config, clock.now()))
    except (RfidguardError, TimeoutError) as error:
        yield fail("database", str(error) or "no commit in time", "mend what it says; the daemon waits for the database")
        return
    yield ok("database", "opens, is up to date and can be written")
    yield from feed_findings(sources, clock.now())
    yield from _policy(config, stocked)
    yield _going_live(config, *lately)


def _going_live(config: Config, passed: Passed, full_count: bool) -> Finding:
    """How much of what passed the gates the ledger knew, and whether the policy fits that."""
    known = (
        "nothing of ours has left yet"
        if passed.known_share is None
        else f"the ledger knew {100 * passed.known_share:.1f} % of it"
    )
    foreign = f" and {passed.foreign} foreign goods" if passed.foreign else ""
    fits, todo = advice(passed, config.ledger.unknown_epc, full_count)
    text = f"{passed.total} items of ours{foreign} left in {DAYS} days; {known}"
    live = fits and config.ledger.unknown_epc != "observe"
    return ok("gates", text) if live else warn("gates", text, todo)


def _policy(config: Config, stocked: bool) -> Iterator[Finding]:
    unknown = config.ledger.unknown_epc
    if unknown == "observe":
        return  # the configuration's own warning says it
    if not stocked:
        effect = "nothing is in stock, so nothing alarms" if unknown == "stock_only" else "every unknown own item alarms"
        yield warn("ledger.unknown_epc", f'"{unknown}" without a stock count: {effect}', "rfidguard ledger import STOCK.csv")
    else:
        yield ok("ledger.unknown_epc", f'"{unknown}", and a stock count is there')


def _has_stock(conn: Connection) -> bool:
    found = select(ledger_records.c.id).where(ledger_records.c.kind == "stock_in").limit(1)
    return conn.execute(found).first() is not None


def _quick_check(path: Path) -> Finding:
    """SQLite's own check, read only, given up after a while on a large file."""
    import threading

    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=5)
    alarm = threading.Timer(_INTERRUPT_AFTER_S, connection.interrupt)
    alarm.daemon = True
    alarm.start()
    size = path.stat().st_size / 1e6
    try:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return ok("database", f"{path}, {size:.0f} MB: too large to be checked whole in {_INTERRUPT_AFTER_S:g} s")
        return fail("database", f"{path}: {error}", "see whether another program holds it")
    except sqlite3.DatabaseError as error:
        return fail("database", f"{path}: {error}", "move it aside and restore the last backup")
    finally:
        alarm.cancel()
        connection.close()
    if answer != "ok":
        return fail("database", f"{path} is damaged: {answer}", "move it aside and restore the last backup")
    return ok("database", f"{path}, {size:.1f} MB, is sound")


def _reachable(device: DeviceSection, host: str, port: int) -> Iterator[Finding]:
    try:
        socket.create_connection((host, port), _CONNECT_S).close()
    except OSError as error:
        todo = "see whether it has power and network, and whether host and port are right"
        yield fail(device.id, f"{host} port {port}: {error.strerror or error}", todo)
    else:
        yield ok(device.id, f"{host} port {port} answers ({device.driver})")


def _serial(device: DeviceSection, port: str, who: Who) -> Iterator[Finding]:
    path = Path(port)
    if "://" in port:
        yield ok(device.id, f"{port}: an address of pyserial, not looked at")
    elif not path.exists():
        seen = ", ".join(sorted(str(found) for found in Path("/dev/serial/by-id").glob("*"))) or "none"
        yield fail(device.id, f"{port} does not exist; serial ports here: {seen}", "plug it in, or correct the port")
    elif not path.is_char_device():
        yield fail(device.id, f"{port} is no serial port", "correct the port")
    elif not who.may(path, 6):
        group = _group_name(path)
        yield fail(device.id, f"{port} cannot be opened by {who.name}", f"sudo usermod -aG {group} {who.name}, and log in again")
    else:
        yield ok(device.id, f"{port} is there and {who.name} may open it")


def _group_name(path: Path) -> str:
    try:
        return grp.getgrgid(path.stat().st_gid).gr_name
    except KeyError:
        return "dialout"


def _later(look: Callable[..., Iterator[Finding]], *args: Any) -> Callable[[], Iterator[Finding]]:
    return lambda: look(*args)
