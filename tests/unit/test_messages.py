"""Real messages against the published models: nothing missing, nothing undocumented."""

import json
from pathlib import Path
from typing import Any

import pytest
from alarms import T0, an_alarm
from pydantic import BaseModel
from typer.testing import CliRunner

from rfidguard.alarm import alarm_message, transition_message
from rfidguard.cli import build_app
from rfidguard.config import Config
from rfidguard.messages import (
    AlarmEvent,
    AlarmIndex,
    AlarmMessage,
    DeviceStatus,
    GateStatus,
    InfoMessage,
    StatusMessage,
    info_message,
    status_message,
)
from rfidguard.outbox import index_message
from rfidguard.schema_export import schemas
from rfidguard.status import StatusBoard

CONFIG = Config.model_validate(
    {
        "site": {"id": "0001"},
        "gate": [{"id": "front", "reader": [{"id": "front-1", "driver": "llrp", "host": "192.0.2.10"}]}],
    }
)


def held(model: type[BaseModel], body: dict[str, Any]) -> None:
    """The body is valid, and every field of it is one that the model describes."""
    parsed = model.model_validate_json(json.dumps(body), strict=True)
    assert set(body) <= {field.alias or name for name, field in model.model_fields.items()}
    assert json.loads(parsed.model_dump_json(by_alias=True, exclude_unset=True)) == body


def test_an_alarm_is_as_described() -> None:
    held(AlarmMessage, alarm_message(an_alarm()))


def test_a_priced_and_answered_alarm_is_as_described() -> None:
    alarm = an_alarm(state="resolved", outcome="recovered", resolved_by="staff-1", acknowledged_by="staff-2", severity="critical")
    held(AlarmMessage, alarm_message(alarm))


def test_a_transition_is_as_described() -> None:
    held(AlarmEvent, transition_message(an_alarm(), "raised", T0))


def test_the_index_is_as_described() -> None:
    held(AlarmIndex, index_message([an_alarm()]))
    held(AlarmIndex, index_message([]))


def test_status_and_info_are_as_described() -> None:
    held(StatusMessage, status_message("online", "s", 1, "2027-01-15T08:00:00.000Z"))
    held(InfoMessage, info_message(CONFIG))


def test_states_of_devices_and_gates_are_as_described() -> None:
    board = StatusBoard(CONFIG)
    held(DeviceStatus, board.device("front-1", T0))
    held(GateStatus, board.gate(CONFIG.gate[0], T0))


@pytest.mark.parametrize(
    "name",
    [
        "alarm", "event-alarm", "alarms", "status", "info", "health", "gate-status", "device-status", "event-device",
        "event-ledger", "presence", "answer", "answer-reply", "sale", "sale-reply", "heartbeat", "command", "command-reply",
        "journal-line", "truth",
    ],
)  # fmt: skip
def test_every_payload_has_a_schema(name: str) -> None:
    schema = schemas()[name]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]


def test_consumers_are_told_to_accept_more_fields() -> None:
    assert "additionalProperties" not in schemas()["alarm"]


def test_the_schema_of_an_alarm_names_every_field_that_is_sent() -> None:
    schema = schemas()["event-alarm"]
    assert set(transition_message(an_alarm(), "raised", T0)) <= set(schema["properties"])
    assert "schema" in schema["required"]


def test_export_schema_writes_one_file_each(tmp_path: Path) -> None:
    result = CliRunner().invoke(build_app(), ["export-schema", "--out", str(tmp_path / "schemas")])
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "schemas").iterdir()} == {f"{name}.schema.json" for name in schemas()}


def test_export_schema_prints_all_of_them() -> None:
    result = CliRunner().invoke(build_app(), ["export-schema"])
    assert json.loads(result.output) == json.loads(json.dumps(schemas()))
