"""What may stand in a [[gate.reader]] section with driver = "llrp". The README has the table for people."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rfidguard.driver import DriverSettings

SEARCH_MODES = {"reader": 0, "single": 1, "dual": 2, "focus": 3, "reset": 5, "dual_select": 6}
"""Impinj's inventory search modes by name."""

Pin = Annotated[int, Field(ge=1, le=64)]


class LlrpSettings(DriverSettings):
    """Settings of one LLRP reader. The defaults keep reads of every tag coming and report each one at once."""

    host: Annotated[str, StringConstraints(min_length=1, max_length=253, strip_whitespace=True)]
    port: Annotated[int, Field(ge=1, le=65535)] = 5084
    tx_power_dbm: Annotated[float, Field(ge=0, le=40, allow_inf_nan=False)] | None = None
    session: Annotated[int, Field(ge=0, le=3)] | None = None
    search_mode: Literal["reader", "single", "dual", "focus", "reset", "dual_select"] = "dual"
    inventory: Literal["auto", "plain", "newcomers"] = "auto"
    mode: Literal["fast", "reader"] | Annotated[int, Field(ge=0, le=65535)] = "fast"
    tag_population: Annotated[int, Field(ge=1, le=65535)] = 32
    report_every: Annotated[int, Field(ge=1, le=1000)] = 1
    keepalive_s: Annotated[float, Field(ge=1, le=5)] = 2.0
    tid: bool = False
    inputs: tuple[Pin, ...] | None = None
    foreign_outputs: tuple[Pin, ...] = ()
    llrp_version: Literal["auto", "1.0.1"] = "auto"
