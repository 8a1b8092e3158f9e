"""Scenes: what a scenario and a seed give, and that truth, journal and configuration belong together."""

import math
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from rfidguard.config_file import load
from rfidguard.epc import identify
from rfidguard.events import Command, Count, Device, Eas, Ledger, Read, heard_at
from rfidguard.journal import decode_line, encode_line
from simulators.scenario import EPOCH, Scene, build, build_scene
from simulators.scenario_file import parse_scenario
from simulators.scenario_parts import Awkward


def journal_of(scene: Scene) -> bytes:
    return b"".join(map(encode_line, scene.events))


def passages_of(scene: Scene) -> dict[str, dict]:
    return {passage["passage"]: passage for passage in scene.truth["passages"]}


@pytest.fixture(scope="module")
def demo() -> Scene:
    return build("demo", 1)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    first, again, other = (build("unpaid", seed) for seed in (4, 4, 5))
    assert journal_of(first) == journal_of(again)
    assert first.truth == again.truth
    assert journal_of(first) != journal_of(other)


@pytest.mark.parametrize("name", ["plain", "walk_in", "failing"])
def test_lines_come_in_order_of_receipt_and_survive_the_journal(name: str) -> None:
    scene = build(name, 2)
    heard = [heard_at(event) for event in scene.events]
    assert heard == sorted(heard)
    assert [decode_line(encode_line(event)) for event in scene.events] == scene.events


def test_the_start_may_be_chosen() -> None:
    scene = build("unpaid", 1, epoch=1_800_000_000.0)
    assert scene.truth["passages"][0]["cross"] == pytest.approx(1_800_000_010.0, abs=0.01)
    assert min(event.at for event in scene.events if isinstance(event, Read)) >= 1_800_000_000.0


def test_truth_has_the_promised_shape(demo: Scene) -> None:
    assert {"passages", "standing", "seconds"} <= set(demo.truth)
    for passage in demo.truth["passages"]:
        assert {"passage", "kind", "start", "end", "cross", "direction", "unpaid", "tags"} <= set(passage)
        assert passage["direction"] in ("in", "out", "none")
        assert set(passage["unpaid"]) <= set(passage["tags"])
        assert passage["cross"] is None or passage["start"] <= passage["cross"] <= passage["end"]


def test_unpaid_are_exactly_the_thief_the_late_buyer_and_one_of_the_pair(demo: Scene) -> None:
    unpaid = {name: len(passage["unpaid"]) for name, passage in passages_of(demo).items() if passage["unpaid"]}
    assert unpaid == {"thief": 1, "late-buyer": 1, "pair-unpaid": 2}


def test_a_late_sale_is_heard_after_the_crossing_and_noted_in_the_truth(demo: Scene) -> None:
    late = passages_of(demo)["late-buyer"]
    (epc,) = late["unpaid"]
    sale = next(event for event in demo.events if isinstance(event, Ledger) and event.epc == epc and event.kind == "sold")
    assert sale.at < late["cross"] < heard_at(sale)
    assert late["late"] == {epc: heard_at(sale)}


def test_goods_worn_in_are_not_unpaid_on_the_way_out(demo: Scene) -> None:
    passages = passages_of(demo)
    assert passages["wearer-in"]["tags"] == passages["wearer-out"]["tags"]
    assert passages["wearer-out"]["unpaid"] == []


def test_a_sale_by_article_is_one_credit_with_a_quantity(demo: Scene) -> None:
    credit = next(event for event in demo.events if isinstance(event, Ledger) and event.gtin is not None)
    tags = passages_of(demo)["credit-buyer"]["tags"]
    assert credit.quantity == 2
    assert {identify(epc).gtin for epc in tags} == {credit.gtin}


def test_pedestal_alarms_and_what_to_expect_of_them(demo: Scene) -> None:
    assert [event.kind for event in demo.events if isinstance(event, Eas)] == ["alarm", "alarm"]
    assert [wanted["kind"] for wanted in demo.truth["expected"]] == ["tag_not_deactivated", "eas_unidentified"]


def test_a_label_without_a_tag_is_never_read(demo: Scene) -> None:
    carried = {epc for passage in demo.truth["passages"] for epc in passage["tags"]}
    read = {event.epc for event in demo.events if isinstance(event, Read)}
    assert passages_of(demo)["label-only"]["tags"] == []
    assert read <= carried | set(demo.truth["standing"])


def test_own_goods_decode_to_the_shops_prefix_in_both_schemes(demo: Scene) -> None:
    own = {epc for passage in demo.truth["passages"] for epc in passage["unpaid"]}
    found = {identify(epc) for epc in own}
    assert {identity.prefix for identity in found} == {"0614141"}
    assert {identity.scheme for identity in found} == {"sgtin-96", "sgtin-198"}


def test_each_crossing_is_counted_once_with_its_direction() -> None:
    scene = build("demo", 3)
    counted = [event.direction for event in scene.events if isinstance(event, Count)]
    crossed = sorted((p["cross"], p["direction"]) for p in scene.truth["passages"] if p["cross"] is not None)
    assert counted == [direction for _, direction in crossed]


def test_someone_who_turns_back_never_crosses() -> None:
    for passage in build("turn_back", 1).truth["passages"]:
        assert (passage["cross"], passage["direction"], passage["unpaid"]) == (None, "none", [])


def test_a_shelf_tag_carried_out_is_unpaid_and_one_put_back_is_not() -> None:
    scene = build("pick_up", 1)
    passages = passages_of(scene)
    assert passages["browser"]["unpaid"] == []
    assert len(passages["picker"]["unpaid"]) == 1
    taken = set(passages["browser"]["tags"]) | set(passages["picker"]["tags"])
    assert not taken & set(scene.truth["standing"])


def test_reads_on_the_shelf_are_none_of_the_passage() -> None:
    scene = build("pick_up", 1)
    picker = passages_of(scene)["picker"]
    (epc,) = picker["unpaid"]
    while_near = [
        event.at
        for event in scene.events
        if isinstance(event, Read) and event.epc == epc and picker["start"] <= event.at <= picker["end"]
    ]
    assert 0 < picker["reads"][epc] < len(while_near)


def test_a_return_is_told_by_the_desk() -> None:
    returned = [event for event in build("walk_in", 1).events if isinstance(event, Ledger) and event.kind == "returned"]
    assert len(returned) == 1


def test_a_stock_list_names_own_goods_of_the_shop_and_no_carried_in_ones(demo: Scene) -> None:
    stock = {event.epc for event in demo.events if isinstance(event, Ledger) and event.kind == "stock_in"}
    assert set(demo.truth["standing"]) <= stock
    assert set(passages_of(demo)["thief"]["unpaid"]) <= stock
    assert not set(passages_of(demo)["wearer-in"]["tags"]) & stock


def test_faults_show_as_silence_and_as_device_lines() -> None:
    scene = build("failing", 1)
    reads = [event for event in scene.events if isinstance(event, Read)]
    assert not [read for read in reads if 38.2 < read.at - EPOCH < 52.0]
    assert not [read for read in reads if read.antenna == 2 and 5.2 < read.at - EPOCH < 22.0]
    states = [event.state for event in scene.events if isinstance(event, Device) and event.device == "front-1"]
    assert states == ["online", "offline", "online"]
    assert "jammer" in [event.kind for event in scene.events if isinstance(event, Eas)]


def test_pausing_in_the_gate_crosses_after_the_pause() -> None:
    passage = passages_of(build("pause_in_gate", 1))["waiter"]
    assert passage["cross"] - passage["start"] > 5.0
    assert len(passage["unpaid"]) == 1


def test_an_empty_shop_at_night_reads_its_shelves_only() -> None:
    text = """
seconds = 5.0
[[article]]
id = "a"
name = "A"
item = "012345"
[[shelf]]
id = "left"
at = [-1.5, -1.0]
tags = 10
"""
    scene = build_scene(parse_scenario(text, "night"))
    assert scene.truth["passages"] == []
    assert {event.epc for event in scene.events if isinstance(event, Read)} <= set(scene.truth["standing"])


def test_random_people_keep_to_the_shares_asked_for() -> None:
    text = """
[[article]]
id = "a"
name = "A"
item = "012345"
[random]
passages = 60
unpaid_share = 0.5
paid_share = 0.0
awkward_share = 0.0
headway_s = [1.0, 2.0]
"""
    scene = build_scene(parse_scenario(text, "many"), 1)
    thefts = sum(bool(passage["unpaid"]) for passage in scene.truth["passages"])
    assert len(scene.truth["passages"]) == 60
    assert 15 <= thefts <= 45


@pytest.mark.parametrize("how", get_args(Awkward))
def test_every_awkward_way_can_be_asked_for_alone(how: str) -> None:
    text = f"""
[[article]]
id = "a"
name = "A"
item = "012345"
[[shelf]]
id = "left"
at = [-2.0, -1.5]
tags = 5
[random]
passages = 2
unpaid_share = 1.0
awkward_share = 1.0
awkward = ["{how}"]
headway_s = [1.0, 2.0]
"""
    scene = build_scene(parse_scenario(text, how), 1)
    passages = scene.truth["passages"]
    assert 2 <= len(passages) <= 6
    may_be_unpaid = {"run", "cart", "pram", "pause", "wait", "pair", "group", "in_out", "pick_out"}
    if how != "child":
        assert any(passage["unpaid"] for passage in passages) == (how in may_be_unpaid)
    assert all(passage["direction"] == "out" for passage in passages if passage["unpaid"])


def test_the_configuration_is_valid_and_knows_every_antenna(tmp_path: Path, demo: Scene) -> None:
    path = tmp_path / "rfidguard.toml"
    path.write_text(demo.config_text)
    config = load(path, {})
    reader = config.gate[0].reader[0]
    assert set(reader.antennas) == {antenna.port for antenna in demo.layout.antennas}
    assert tomllib.loads(demo.config_text)["site"]["company_prefixes"] == ["0614141"]


def test_progress_is_told_as_time_goes_by() -> None:
    told: list[tuple[float, float]] = []
    scene = build("unpaid", 1, progress=lambda done, total: told.append((done, total)))
    assert len(told) >= 10
    assert all(done <= total for done, total in told)
    assert math.isclose(told[-1][1], scene.seconds, abs_tol=0.01)


def test_what_staff_move_is_not_unpaid_and_their_order_is_in_the_journal() -> None:
    scene = build("rack_out", 1)
    passages = passages_of(scene)
    assert passages["out"]["unpaid"] == []
    assert passages["in"]["tags"] == passages["out"]["tags"]
    assert len(passages["out"]["tags"]) == 60
    assert [event.name for event in scene.events if isinstance(event, Command)] == ["disarm"]


def test_browsed_garments_are_handled_one_after_another_and_hang_there_again() -> None:
    scene = build("browsing", 1)
    passages = passages_of(scene)
    assert len(passages["browser"]["tags"]) == 5
    assert passages["browser"]["unpaid"] == []
    assert len(passages["thief"]["unpaid"]) == 1
    last = {tag.epc: tag.stays[-1].place for tag in scene.cast.tags}
    assert all(isinstance(last[epc], tuple) for epc in passages["browser"]["tags"])


def test_noise_takes_reads_little_by_little() -> None:
    scene = build("noisy", 1)
    counts = [
        sum(isinstance(event, Read) and start <= event.at - EPOCH < start + 5 for event in scene.events) for start in (10, 27, 50)
    ]
    assert counts[0] > counts[1] > counts[2] > 0


def test_two_doors_on_one_reader_are_two_gates(tmp_path: Path) -> None:
    scene = build("twin_doors", 1)
    assert {event.gate for event in scene.events if isinstance(event, Read)} == {"front", "side"}
    assert [event.gate for event in scene.events if isinstance(event, Count)] == ["side", "front", "side"]
    assert passages_of(scene)["thief"]["gate"] == "side"
    path = tmp_path / "rfidguard.toml"
    path.write_text(scene.config_text)
    assert [gate.id for gate in load(path, {}).gate] == ["front", "side"]


def test_crossed_ports_are_written_down_crossed() -> None:
    right, crossed = build("paid", 1, layout="overhead").config_text, build("crossed_ports", 1).config_text
    assert '1 = "inside", 2 = "outside"' in right
    assert '1 = "outside", 2 = "inside"' in crossed
