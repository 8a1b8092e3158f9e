"""People counted give the same signs, by name and order, as nobody; whoever was counted too long ago changes none."""

from hypothesis import given
from hypothesis import strategies as st

from rfidguard.add_read import add_read
from rfidguard.around import Around
from rfidguard.layout import GateLayout
from rfidguard.passage import watched
from rfidguard.path import Presence
from rfidguard.track import Track

NOW = 1000.0
GATE = GateLayout("g", "observe", {"r/1": -1, "r/2": 1}, near=-1, far=1)
ways = st.sampled_from(("in", "out", "unknown"))
lately = st.lists(st.tuples(st.floats(NOW - 4.9, NOW), ways), max_size=4)
long_ago = st.lists(st.tuples(st.floats(NOW - 20.0, NOW - 5.5), ways), max_size=4)


def signs_with(counts: list[tuple[float, str]]) -> dict[str, float]:
    track = Track(gate="g", epc="E1", first_at=NOW - 2.0, last_at=NOW - 2.0, start_at=NOW - 2.0)
    for tenth in range(18):
        add_read(track, f"r/{1 + tenth % 2}", NOW - 1.95 + tenth / 10, -60.0 + tenth % 5, None, None, 1)
    seen = watched(track, GATE, Presence(counts=counts), Around(), NOW)
    assert seen is not None
    return seen.signs


@given(lately)
def test_the_same_signs_are_told_whoever_was_counted(counts: list[tuple[float, str]]) -> None:
    assert list(signs_with(counts)) == list(signs_with([]))


@given(long_ago)
def test_counts_of_long_ago_say_as_much_as_none(counts: list[tuple[float, str]]) -> None:
    told, none = signs_with(counts), signs_with([])
    told.pop("split_count_s"), none.pop("split_count_s")  # asks of 20 s, cut off at 9
    assert told == none
