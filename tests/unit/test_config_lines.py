"""Finding the line of a key."""

from rfidguard.config_lines import dotted, line_of, lines_of

TEXT = '''# comment = 1
top = "[not a table]"
"quoted key" = 1
a.b = 2
long = [
  "x = 1",  # [no]
  "]",
]
text = """
fake = 1
[fake]
"""
[one]
x = 1
[[many]]
y = { p = 1,
      q = 2 }
[[many.inner]]
z = 1
[[many]]
[[many.inner]]
[[many.inner]]
z = 2
[one."dotted.key"]
w = 1
'''


def test_every_key_and_table_has_the_line_it_stands_on() -> None:
    lines = lines_of(TEXT)
    assert lines[("top",)] == 2
    assert lines[("quoted key",)] == 3
    assert lines[("a", "b")] == 4
    assert lines[("long",)] == 5
    assert lines[("text",)] == 9
    assert lines[("one", "x")] == 14
    assert lines[("many", 0, "y")] == 16
    assert lines[("many", 0, "inner", 0, "z")] == 19
    assert lines[("many", 1)] == 20
    assert lines[("many", 1, "inner", 1, "z")] == 23
    assert lines[("one", "dotted.key", "w")] == 25
    assert not any("fake" in path for path in lines)


def test_what_stands_within_a_value_has_the_line_of_the_value() -> None:
    lines = lines_of(TEXT)
    assert line_of(lines, ("many", 0, "y", "q")) == 16
    assert line_of(lines, ("nowhere",)) is None


def test_a_path_is_shown_as_a_person_would_write_it() -> None:
    assert dotted(("gate", 0, "reader", 1, "port")) == "gate[0].reader[1].port"
