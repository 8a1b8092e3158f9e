"""What one person takes goes together: who has just left unpaid makes it likelier that what came with it left, too."""

import pytest
from walks import T0, config, foreign, leave, own

from rfidguard.around import accompanied, around_of
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.runner import Runner
from rfidguard.track import Track


def newcomer(epc: str, first_at: float = T0, *, state: str = "candidate", unpaid: bool = False) -> Track:
    return Track(gate="front", epc=epc, first_at=first_at, last_at=T0, start_at=T0, state=state, new=True, left_unpaid=unpaid)


@pytest.mark.parametrize(("unpaid", "apart_s", "company"), [(True, 0.5, True), (False, 0.5, False), (True, 5.0, False)])
def test_company_is_what_came_into_view_with_something_that_left_unpaid(unpaid: bool, apart_s: float, company: bool) -> None:
    other = newcomer(own(2), T0 - apart_s, state="left", unpaid=unpaid)
    item = newcomer(own(1))
    assert accompanied(item, around_of([item, other], -70.0, T0 + 1.0)) is company


@pytest.mark.parametrize(("epc", "unpaid"), [(own(1), True), (foreign(1), False)])
def test_a_track_knows_whether_it_left_unpaid(epc: str, unpaid: bool) -> None:
    runner = Runner(layout_from(config()), RecordSet().find)
    for read in leave(epc):
        runner.feed(read)
    track = runner.state.tracks["front"][epc]
    assert (track.state, track.left_unpaid) == ("left", unpaid)
