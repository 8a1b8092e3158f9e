"""A row that is no CSV is refused alone, with its line, in every kind of file; those around it are taken."""

from zoneinfo import ZoneInfo

import pytest
from walks import own

from rfidguard.catalogue import CatalogueRow, Refused, catalogue_rows
from rfidguard.csv_cells import csv_cells
from rfidguard.errors import RefusedInput
from rfidguard.feeds.ledger_csv import csv_rows

BAD = ["a\rb", f"{'x' * 140_000},1"]


@pytest.mark.parametrize("bad", BAD, ids=["carriage return", "endless cell"])
def test_rows_around_a_bad_one_are_taken(bad: str) -> None:
    found = list(csv_cells(["1,2", bad, "3,4"], ","))
    assert [(line, cells) for line, cells in found if not isinstance(cells, RefusedInput)] == [(2, ["1", "2"]), (4, ["3", "4"])]
    assert [(line, cells.reason) for line, cells in found if isinstance(cells, RefusedInput)] == [(3, "bad_row")]


@pytest.mark.parametrize("bad", BAD, ids=["carriage return", "endless cell"])
def test_sales_and_articles_beside_a_bad_row_are_taken(bad: str) -> None:
    sales = list(csv_rows(["epc,at,id", f"{own(1)},1,a", bad, f"{own(2)},2,b"], ZoneInfo("UTC"), 3.0))
    assert [taken.reason for taken in sales] == [None, "bad_row", None]
    articles = list(catalogue_rows(["gtin,name", "80614141123458,Shirt", bad]))
    assert [type(row) for row in articles] == [CatalogueRow, Refused]
