"""`rfidguard doctor`: can this box work, and what is to do if not?"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rfidguard.cli import ConfigOption

if TYPE_CHECKING:
    from rfidguard.config import Config
    from rfidguard.doctor import Check


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("doctor")(_doctor)


def _doctor(
    config: ConfigOption,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Tell whether this box can work: configuration, ports and groups, readers, feeds of sales, broker, database, clock, disk.

    One line a check: ok, warn or fail, with what to do. Works with the daemon running or stopped; no check hangs.
    Run by root, it asks what the service's user may do. Exit 0 if nothing failed, else 1.

    Example: sudo rfidguard doctor
    """
    from rfidguard.doctor import examine

    findings = examine(_checks(config))
    failed = sum(finding.level == "fail" for finding in findings)
    if as_json:
        print(json.dumps({"ok": not failed, "findings": [vars(finding) for finding in findings]}, ensure_ascii=False, indent=2))
    else:
        warned = sum(finding.level == "warn" for finding in findings)
        print("\n".join(map(str, findings)))
        print(f"{len(findings)} checks: {failed} failed, {warned} to look at")
    if failed:
        raise typer.Exit(1)


def _checks(path: Path) -> "Iterator[Check]":
    from rfidguard import doctor_box as box
    from rfidguard.clock import SystemClock
    from rfidguard.config_file import check, load
    from rfidguard.doctor import Check, Finding

    problems = check(path, os.environ)
    errors = [problem for problem in problems if problem.level == "error"]
    found = [
        Finding("config", "fail" if p.level == "error" else "warn", str(p), f"rfidguard check --config {path}") for p in problems
    ]
    yield Check("config", lambda: found or [Finding("config", "ok", f"{path} can be used")])
    yield Check("python", box.python)
    yield Check("names", box.names)
    yield Check("clock", lambda: box.clock_sane(SystemClock()))
    yield Check("service", box.service)
    if not errors:
        yield from _configured(load(path, os.environ))


def _configured(config: "Config") -> "Iterator[Check]":
    """What can only be looked at with a configuration."""
    from rfidguard import doctor_box as box
    from rfidguard import doctor_chain as chain
    from rfidguard import doctor_feeds as feeds
    from rfidguard import doctor_links as links
    from rfidguard.clock import SystemClock
    from rfidguard.doctor import Check
    from rfidguard.doctor_audit import DEADLINE_S, trail
    from rfidguard.doctor_broker import broker

    who = box.daemon_user()
    mqtt = config.mqtt
    named = (
        mqtt.password_file,
        mqtt.key_file,
        config.http.key_file,
        config.chain.url_file if config.chain else None,
        *(client.token_file for client in config.http.client),
    )
    yield from links.device_checks(config, who)
    yield from feeds.feed_checks(config, who, SystemClock())
    yield Check("broker", lambda: broker(config), deadline_s=25.0)
    yield Check("database", lambda: links.database(config, who, SystemClock()), deadline_s=links.DATABASE_DEADLINE_S)
    if config.chain is not None:
        yield Check("chain", lambda: chain.centre(config), deadline_s=chain.DEADLINE_S)
        if (file := links.database_path(config)) is not None and file.exists() and file.stat().st_uid == who.uid:
            yield Check("chain told", lambda: chain.told(config, SystemClock()), deadline_s=chain.DEADLINE_S)
    yield Check("audit", lambda: trail(config.database.url, links.database_path(config)), deadline_s=DEADLINE_S)
    yield Check("journal", lambda: box.journal_folder(config, who))
    yield Check("disk", lambda: box.disk(config, links.database_path(config)))
    secrets = [*(file for file in named if file is not None), *feeds.feed_secrets(config)]
    yield Check("secrets", lambda: box.secret_files(list(dict.fromkeys(secrets)), who))
    yield Check("http", lambda: box.http_port(config))
