"""The machine's clock stepped, or drifting, while the daemon runs (libfaketime around the real process)."""

from pathlib import Path

import pytest
from invariants import check
from shop import Shop

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
TRUE_MONOTONIC = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.parametrize("step", ["-3600", pytest.param("+3600", marks=pytest.mark.soak)])
def test_gate_is_watched_through_a_step_of_the_clock_by_an_hour(shop: Shop, step: str) -> None:
    setting = shop.folder / "faketime"
    setting.write_text("+0")
    shop.start(LD_PRELOAD=str(LIBRARIES[0]), FAKETIME_TIMESTAMP_FILE=str(setting), FAKETIME_NO_CACHE="1", **TRUE_MONOTONIC)
    shop.open_up()
    shop.until_rung(shop.steal())
    setting.write_text(step)
    shop.wait(4.0)
    check(shop)
    shop.kill()
    setting.write_text("+0")
    shop.start()
    check(shop)


@pytest.mark.parametrize("speed", ["x1.03", pytest.param("x0.97", marks=pytest.mark.soak)])
def test_gate_is_watched_by_a_clock_that_drifts(shop: Shop, speed: str) -> None:
    """A hundred times worse than a poor crystal, sixty times what ntpd does to set a clock right."""
    shop.start(LD_PRELOAD=str(LIBRARIES[0]), FAKETIME=f"+0 {speed}", **TRUE_MONOTONIC)
    till = shop.till()
    shop.open_up()
    for _ in range(6):
        shop.buy(till)
        shop.until_rung(shop.steal())
        shop.wait(5.0)
    check(shop)
