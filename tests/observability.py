"""What the dashboard and the alert rules ask for."""

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "systemd" / "observability"
NAME = re.compile(r"\b(?:rfidguard|process)_[a-z_]+\b")


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "rfidguard-dashboard.json").read_text("utf-8"))
    return found


def named_metrics() -> set[str]:
    """Every metric that a panel or a rule asks for."""
    asked = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    asked += re.findall(r"^\s+expr: (.+)$", (FOLDER / "rfidguard-alerts.yml").read_text("utf-8"), re.MULTILINE)
    return {name for expression in asked for name in NAME.findall(expression)}
