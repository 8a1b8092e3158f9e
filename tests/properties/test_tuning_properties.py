"""The comparison of two replays loses and invents no alarm, whatever they rang."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tuned import T0, a_rung, an_item

from rfidguard.alarm import OUTCOMES
from rfidguard.tuning.compare import CHANGED, GONE, KEPT, LOUDER, NEW, QUIETER, Difference, compare, counts, hidden
from rfidguard.tuning.rung import SILENT, Rung
from rfidguard.tuning.staff import RIGHT, Said, Words
from rfidguard.tuning.words import message, sentences


@st.composite
def rungs(draw: st.DrawFn) -> Rung:
    at = T0 + draw(st.integers(0, 400)) / 2
    rang = st.sampled_from([None, at, at + 2.0])
    items = tuple(
        an_item(number, at, rang_at=draw(rang)) for number in draw(st.sampled_from([(), (1,), (2,), (1, 3), (2, 3, 4)]))
    )
    return a_rung(
        draw(st.integers(1, 9)), at, items, gate=draw(st.sampled_from(["front", "back"])), told=draw(st.booleans()),
        kind=draw(st.sampled_from(["unpaid_items", "bulk", "eas_unidentified"])), rang_at=draw(rang),
        severity=draw(st.sampled_from(["info", "warning", "critical"])), escalated=draw(st.booleans()),
        outputs=draw(st.sampled_from([(), ("light",)])),
    )  # fmt: skip


runs = st.lists(rungs(), max_size=7)
said = st.builds(lambda outcome: Said(outcome), st.sampled_from([None, *OUTCOMES]))


@st.composite
def words(draw: st.DrawFn, run: list[Rung]) -> Words:
    return Words({rung.id: draw(said) for rung in run})


def told(run: list[Rung]) -> Counter[Rung]:
    return Counter(rung for rung in run if rung.sound > SILENT)


def befores(found: list[Difference]) -> Counter[Rung]:
    return Counter(difference.before for difference in found if difference.before is not None)


def afters(found: list[Difference]) -> Counter[Rung]:
    return Counter(difference.after for difference in found if difference.after is not None)


@given(runs)
def test_a_replay_against_itself_has_no_differences(run: list[Rung]) -> None:
    found = compare(run, run, Words({}))
    assert {difference.kind for difference in found} <= {KEPT}
    assert befores(found) == told(run)
    assert not hidden(found)


@given(runs, runs)
def test_every_alarm_of_before_and_of_after_is_in_exactly_one_difference(before: list[Rung], after: list[Rung]) -> None:
    found = compare(before, after, Words({}))
    assert befores(found) == told(before)
    assert afters(found) == told(after)
    total = {kind: number.total() for kind, number in counts(found).items()}
    stayed = total[QUIETER] + total[LOUDER] + total[CHANGED] + total[KEPT]
    assert total[GONE] + stayed == told(before).total()
    assert total[NEW] + stayed == told(after).total()


@given(st.data(), runs, runs)
def test_what_staff_called_right_is_hidden_or_still_rings_for_every_item(
    data: st.DataObject, before: list[Rung], after: list[Rung]
) -> None:
    known = data.draw(words(before))
    for difference in compare(before, after, known):
        old, new = difference.before, difference.after
        if old is None or known.of(old).meaning != RIGHT:
            assert not difference.hides()
        elif not difference.hides():
            assert new is not None
            assert new.sound >= old.sound
            assert old.unpaid <= new.unpaid


@given(st.data(), runs, runs)
def test_every_comparison_can_be_told(data: st.DataObject, before: list[Rung], after: list[Rung]) -> None:
    found = compare(before, after, data.draw(words(before)))
    assert all(text.endswith(".") for text in sentences(found))
    told_apart = message(found)
    assert len(told_apart["alarms"]) == sum(difference.kind != KEPT for difference in found)
    assert len(told_apart["hides"]) == len(hidden(found))
