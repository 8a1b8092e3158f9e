"""The HTTP interface against its own description: whatever schemathesis makes of /openapi.json is answered as it says."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from web_box import Box, item

from rfidguard.web.access import Access, Client

EXAMPLES = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 10
OPERATIONS = (
    "POST /v1/sales", "POST /v1/capture", "POST /v1/poslog", "GET /v1/alarms", "GET /v1/alarms/{alarm_id}",
    "POST /v1/alarms/{alarm_id}/answers", "GET /v1/session", "POST /v1/session", "DELETE /v1/session", "GET /healthz",
    "GET /readyz", "GET /metrics", "POST /v1/hooks/{feed}",
)  # fmt: skip
TOKEN = "b" * 32
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ENDLESS = "GET /v1/events"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("fuzz"), Access([Client("boss", "admin", TOKEN)])) as box:
        box.raise_alarm(item())
        yield box


@pytest.fixture(scope="module")
def operations(box: Box) -> dict[str, Any]:
    schema = schemathesis.openapi.from_url(f"{box.web.url}/openapi.json", headers=BEARER)
    found = [result.ok() for result in schema.get_all_operations()]
    return {operation.label: operation for operation in found}


def test_every_operation_is_tried(operations: dict[str, Any]) -> None:
    assert set(operations) == {*OPERATIONS, ENDLESS}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_call_is_answered_as_the_description_says(operations: dict[str, Any], name: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operations[name].as_strategy())
    def answered(case: Any) -> None:
        case.call_and_validate(headers=BEARER, excluded_checks=[positive_data_acceptance])

    answered()
