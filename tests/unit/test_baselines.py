"""The three plain ways to guard a gate: what makes each ring, and what does not."""

import pytest

from rfidguard.baselines import BASELINES, LEVEL_DBM, LEVEL_READS, SILENT_S, rings
from rfidguard.config import Config
from rfidguard.events import Event, Ledger, Read
from rfidguard.layout import Layout, layout_from

OWN, OTHER, FOREIGN = "3034257BF7194E4000001A85", "3034257BF7194E4000001A86", "30340242201D8840009EFDF7"
LAYOUT: Layout = layout_from(
    Config.model_validate(
        {
            "site": {"id": "s", "company_prefixes": ["0614141"]},
            "gate": [{"id": "front", "reader": [{"id": "r", "driver": "replay", "antennas": {"1": "inside", "2": "outside"}}]}],
        }
    )
)


def read(at: float, epc: str = OWN, antenna: int = 1, rssi: float = -50.0) -> Read:
    return Read(at=at, gate="front", reader="r", antenna=antenna, epc=epc, rssi_dbm=rssi)


def sale(at: float, epc: str = OWN) -> Ledger:
    return Ledger(at=at, id=f"s{at}", kind="sold", epc=epc)


def rung(name: str, *events: Event) -> list[tuple[str, str, float]]:
    return [(ring.alarm, ring.epc, ring.at) for ring in rings(name, LAYOUT, events)]


def test_any_read_rings_once_until_the_tag_falls_silent() -> None:
    assert rung("any", read(1), read(2), read(2 + SILENT_S), read(30)) == [("alarm-1", OWN, 1), ("alarm-2", OWN, 30)]


@pytest.mark.parametrize("name", BASELINES)
def test_foreign_sold_and_strange_tags_never_ring(name: str) -> None:
    walk = [read(10 + n / 10, epc, 1 + (n > 5), -50.0 + n) for epc in (OWN, FOREIGN) for n in range(12)]
    elsewhere = Read(at=20, gate="back", reader="r", antenna=1, epc=OTHER, rssi_dbm=-40.0)
    assert rung(name, sale(5.0), *walk, elsewhere) == []


def test_a_credit_pays_for_one_item() -> None:
    credit = Ledger(at=1, id="c/1", kind="sold", gtin="00614141123452")
    twins = [f"3034257BF7194E400000{n:04X}" for n in (1, 2)]
    walk = [read(3.0, twins[0]), read(3.5, twins[1])]
    assert [epc for _, epc, _ in rung("any", *walk)] == twins
    assert len(rung("any", Ledger(at=1, id="c/1", kind="sold", gtin=_gtin(twins[0])), *walk)) == 1
    assert len(rung("any", credit, *walk)) in (1, 2)


def _gtin(epc: str) -> str:
    from rfidguard.epc import identify

    return identify(epc).gtin or ""


def test_loud_reads_ring_once_there_are_enough_of_them_close_together() -> None:
    loud = [read(n / 2, rssi=LEVEL_DBM) for n in range(LEVEL_READS)]
    assert rung("level", *loud) == [("alarm-1", OWN, loud[-1].at)]
    assert rung("level", *loud[:-1]) == []
    assert rung("level", *[read(n * 3.0, rssi=LEVEL_DBM) for n in range(9)]) == []
    assert rung("level", *[read(n / 2, rssi=LEVEL_DBM - 0.5) for n in range(9)]) == []


def test_a_tag_moves_once_another_antenna_hears_it_louder_by_more_than_6_db() -> None:
    there = [read(n / 5, antenna=1, rssi=-60.0) for n in range(5)]
    assert rung("moved", *there, *[read(2 + n / 5, antenna=2, rssi=-53.5) for n in range(3)]) == [("alarm-1", OWN, 2.4)]
    assert rung("moved", *there, *[read(2 + n / 5, antenna=2, rssi=-54.5) for n in range(3)]) == []
    assert rung("moved", *there, *[read(2 + n / 5, antenna=2, rssi=-40.0) for n in range(2)]) == []


def test_what_rings_close_together_is_one_alarm() -> None:
    assert [name for name, _, _ in rung("any", read(1), read(4, OTHER), read(40, OTHER))] == ["alarm-1", "alarm-1", "alarm-2"]
