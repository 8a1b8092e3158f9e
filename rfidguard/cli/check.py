"""`rfidguard check`: is the configuration right? Every mistake in one go."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rfidguard.cli import ConfigOption
from rfidguard.errors import ConfigError

if TYPE_CHECKING:
    from rfidguard.config import Config, Gate
    from rfidguard.config_problems import Problem


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("check")(_check)


def _check(
    config: ConfigOption,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Validate the configuration and say every mistake: file, line, key, what was given, what is allowed, the nearest known key.

    Exit 0 if it can be used (warnings do not fail it), 2 if not. Environment overrides are part of what is checked.

    Example: RFIDGUARD_MQTT__URL=mqtt://10.0.0.5 rfidguard check --config shop.toml
    """
    from rfidguard.config_file import check, load

    problems = check(config, os.environ)
    errors = [problem for problem in problems if problem.level == "error"]
    loaded = None if errors else load(config, os.environ)
    if loaded is not None and (faults := _contents(config, loaded)):
        problems, errors, loaded = faults + problems, faults, None
    if as_json:
        print(json.dumps(_report(config, loaded, problems), ensure_ascii=False, indent=2))
    elif loaded is not None:
        print("\n".join([*_summary(config, loaded), *map(str, problems)]))
    if errors:
        raise typer.Exit(2) if as_json else ConfigError([str(problem) for problem in problems])


def _contents(path: Path, config: "Config") -> "list[Problem]":
    """What is wrong inside the files that are named, where this user may read them; else a warning has said so."""
    from rfidguard.config_problems import Problem
    from rfidguard.web.tls import http_faults

    http = config.http
    named = (http.cert_file, http.key_file, http.ca_file, *(client.token_file for client in http.client))
    if not all(os.access(file, os.R_OK) for file in named if file is not None):
        return []
    return [Problem("", fault, origin=str(path)) for fault in http_faults(http)]


def _summary(path: Path, config: "Config") -> list[str]:
    gates = [f"  gate {gate.id} ({gate.mode}): {', '.join(_parts(gate)) or 'nothing'}" for gate in config.gate]
    return [
        f"{path}: this configuration can be used",
        f"  site {config.site.id}, {config.site.timezone}; own goods: {_goods(config)}; unknown_epc {config.ledger.unknown_epc}",
        f"  rules: {', '.join(_rules(config))}",
        *gates,
    ]


def _goods(config: "Config") -> str:
    return ", ".join((*config.site.company_prefixes, *config.site.own_epcs)) or "none"


def _rules(config: "Config") -> list[str]:
    from rfidguard.rule import DEFAULT_RULES

    return [rule.use for rule in config.rule] or [f"{name} (by default)" for name in DEFAULT_RULES]


def _parts(gate: "Gate") -> list[str]:
    devices = (("reader", gate.reader), ("pedestal", gate.pedestal), ("counter", gate.counter))
    named = [f"{kind} {device.id} ({device.driver})" for kind, group in devices for device in group]
    return named + [f"{'siren' if output.sounds() else 'light'} {output.id}" for output in gate.output]


def _report(path: Path, config: "Config | None", problems: "list[Problem]") -> dict[str, Any]:
    found = [{key: value for key, value in vars(problem).items() if value is not None} for problem in problems]
    report: dict[str, Any] = {
        "ok": config is not None,
        "file": str(path),
        "errors": [problem for problem in found if problem["level"] == "error"],
        "warnings": [problem for problem in found if problem["level"] == "warning"],
    }
    if config is not None:
        report["site"] = config.site.id
        report["gates"] = {gate.id: {"mode": gate.mode, "parts": _parts(gate)} for gate in config.gate}
        report["rules"] = [rule.use for rule in config.rule]
    return report
