"""The dashboard and the alert rules name metrics that the daemon has."""

import re

from observability import FOLDER, dashboard, named_metrics


def test_no_two_panels_lie_on_each_other_or_share_an_id() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_every_rule_says_what_is_wrong_and_how_bad_it_is() -> None:
    rules = (FOLDER / "rfidguard-alerts.yml").read_text("utf-8").split("- alert: ")[1:]
    assert len(rules) >= 10
    for rule in rules:
        assert re.search(r"labels: \{severity: (critical|warning)\}", rule), rule
        assert "summary: " in rule, rule


def test_a_metric_is_asked_for_by_its_whole_name() -> None:
    assert "rfidguard_reads_total" in named_metrics()
    assert "rfidguard_reads" not in named_metrics()
