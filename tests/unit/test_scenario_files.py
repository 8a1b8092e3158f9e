"""Scenario files: what they may say, and what a wrong one is told."""

from pathlib import Path

import pytest

from rfidguard.errors import ConfigError
from simulators.layouts import LAYOUTS
from simulators.scenario import build, build_scene
from simulators.scenario_file import builtin_names, parse_scenario, read_scenario

SMALL = """
[[article]]
id = "jacket"
name = "Jacket"
item = "012345"

[[shelf]]
id = "left"
at = [-2.0, -1.5]
tags = 3
"""


def problems(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        build_scene(parse_scenario(text, "my.toml"))
    return "\n".join(caught.value.problems)


def test_the_promised_scenarios_are_built_in() -> None:
    assert {
        "demo", "plain", "paid", "unpaid", "shelf", "walk_in", "turn_back", "pause_in_gate", "crowd", "sweep", "busy", "night",
    } <= set(builtin_names())  # fmt: skip


@pytest.mark.parametrize("name", builtin_names())
def test_every_built_in_scenario_says_what_it_is_about(name: str) -> None:
    scenario = read_scenario(name)
    assert scenario.name == name
    assert scenario.about.endswith(".")


def test_a_path_works_like_a_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMALL)
    assert read_scenario(str(path)).shelf[0].tags == 3


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="built in: awkward, bad_link"):
        read_scenario("no-such")


def test_all_mistakes_of_a_file_are_named_at_once() -> None:
    said = problems(SMALL + '[store]\nlink = "fast"\nlayuot = "four"\n[[person]]\nid = "a"\ndoes = "fly"\nat = 3.0\n')
    assert "my.toml: store.link" in said
    assert "my.toml: store.layuot" in said
    assert "my.toml: person.0.does" in said


def test_a_file_that_is_no_toml_is_refused_with_its_place() -> None:
    assert "not TOML" in problems("[[article")


PERSON = '[[person]]\nid = "a"\ndoes = "exit"\nat = 5.0\n'


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (PERSON + 'carries = [{ article = "hat" }]\n', "no article is called 'hat'"),
        (PERSON + 'carries = [{ item = "hat" }]\n', "needs `article`"),
        (PERSON.replace("exit", "pick_out") + 'shelf = "top"\n', "shelf = 'top' is none of left"),
        (PERSON.replace("exit", "path"), "at least two points"),
        (PERSON + PERSON, "more than one is called a"),
        ('[[answer]]\nto = "z"\nafter_s = 1.0\nby = "s"\naction = "received"\n', "no person is called z"),
        ('[store]\nlayout = "round"\n', "'round' is none of pedestals"),
        ('[store]\ncompany_prefix = "061414"\n', "no SGTIN-96"),
    ],
)
def test_a_name_that_leads_nowhere_is_told_where_it_stands(more: str, said: str) -> None:
    assert said in problems(SMALL + more)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_scenario_plays_at_every_gate(layout: str) -> None:
    scene = build("unpaid", 1, layout=layout)
    passage = scene.truth["passages"][0]
    assert passage["reads"][passage["unpaid"][0]] >= 4
    assert f"{layout} (" in scene.truth["mix"]


def test_a_scenario_may_bring_its_own_antennas() -> None:
    own = '[[antenna]]\nport = 7\nzone = "threshold"\nat = [0.0, 0.0, 2.4]\nlooks_at = [0.0, 0.0, 0.0]\n'
    scene = build_scene(parse_scenario("seconds = 3.0\n" + SMALL.replace("-2.0, -1.5", "-0.8, -0.6") + own, "my.toml"))
    assert {event.antenna for event in scene.events if hasattr(event, "antenna")} == {7}
    assert '7 = "threshold"' in scene.config_text
