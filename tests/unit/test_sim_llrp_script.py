"""Scripts of the simulated LLRP reader: changes at inputs and faults, read from options and files."""

from pathlib import Path

import pytest

from rfidguard.errors import ConfigError
from simulators.llrp_reader.script import FaultLine, load_faults, parse_fault, parse_inputs


def test_inputs_are_seconds_pins_and_levels() -> None:
    assert parse_inputs("2.0:1=high, 3:1=low,4=HIGH") == [
        FaultLine(do="input", at=2.0, port=1, high=True),
        FaultLine(do="input", at=3.0, port=1, high=False),
        FaultLine(do="input", at=None, port=4, high=True),
    ]


@pytest.mark.parametrize("text", ["1", "a:1=high", "1:1=up", "1:x=low", "-1:1=low"])
def test_a_wrong_input_script_is_shown_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match=r"2\.0:1=high"):
        parse_inputs(text)


def test_a_fault_option_has_a_second_a_name_and_settings() -> None:
    assert parse_fault("10:reboot,seconds=3,keep_specs=true") == FaultLine(do="reboot", at=10.0, seconds=3.0, keep_specs=True)
    assert parse_fault("no_utc") == FaultLine(do="no_utc")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10:explode", "`do` is one of"),
        ("x:drop", "could not convert"),
        ("1:drop,torn", "not of the form"),
        ("1:drop,torm=true", "torm"),
        ("1:error", "needs message"),
        ('1:error,message="ADD_SPEC"', "ADD_ROSPEC"),
        ("1:antenna,port=1", "needs connected"),
        ('1:unknown_parameter,kind="x"', "tv, tlv, custom"),
    ],
)
def test_a_wrong_fault_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_fault(text)


def test_a_fault_file_is_a_list_of_tables(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[fault]]\ndo = "no_utc"\n[[fault]]\nat = 2\ndo = "silent"\nseconds = 5.0\n')
    assert load_faults(path) == [FaultLine(do="no_utc"), FaultLine(do="silent", at=2.0, seconds=5.0)]


def test_every_mistake_in_a_fault_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[fault]]\ndo = "explode"\n[[fault]]\nat = -1\ndo = "drop"\n')
    with pytest.raises(ConfigError) as raised:
        load_faults(path)
    assert ["fault 1" in raised.value.problems[0], "fault 2: at" in raised.value.problems[1]] == [True, True]


@pytest.mark.parametrize("text", ["[fault]", "a = 1", "= =", "[[fault]]\ndo='drop'\n[more]"])
def test_a_file_that_is_no_fault_script_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"faults\.toml"):
        load_faults(path)
