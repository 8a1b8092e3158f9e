"""What time alone does to a tag that stands where it stood: it has been in view for longer, and its last seconds are forgotten.

Nine tags of ten in view stand. A look at one finds nothing as long as it is heard where it belongs, so none is taken: what the
looks twice a second would have changed is made up for when somebody needs it, at its next read at the latest. Pure.
"""

from collections.abc import Iterable

from rfidguard.bins import forget_before, oldest
from rfidguard.passage import LOOK_S, QUIET_LOOK_S
from rfidguard.standing import DEPARTS_S, GONE_MAX_S, STANDING_LOOK_S
from rfidguard.track import BIN_S, Track

TENTHS = 10.0
_LOOK_TENTHS = round(STANDING_LOOK_S * TENTHS)
SHORTEST_S = STANDING_LOOK_S - LOOK_S
"""A standing tag wants no look sooner than this after its last one."""
STANDING_KEPT_S = 2.0
"""Before a standing tag's next passage could start: the signs look back 1 s from there, and reads come late."""
_BINS_AT_ONCE = 10
_KEPT_TENTHS = round(STANDING_KEPT_S / BIN_S) + _BINS_AT_ONCE + 1
_DEPARTS_TENTHS = round(DEPARTS_S * TENTHS)


def next_tenth(track: Track) -> int:
    """The tenth of a second at which a standing tag wants its next look (`passage.wants_look`)."""
    tenth = round(track.checked_at * TENTHS)
    if tenth / TENTHS == track.checked_at:
        return tenth + _LOOK_TENTHS
    tenth += _LOOK_TENTHS - 2
    while tenth / TENTHS - track.checked_at + LOOK_S / 2 < STANDING_LOOK_S:
        tenth += 1
    return tenth


def caught_up(track: Track, now: float) -> None:
    """Does to a standing tag in view what all looks that it wanted up to `now` would have done, none of which it was given."""
    checked = track.checked_at
    if now - checked < SHORTEST_S:
        return
    first = tenth = next_tenth(track)
    seen, still, start, last_at = track.seen_s, track.still_s, track.start_at, track.last_at
    while (at := tenth / TENTHS) <= now:
        since = at - (checked if checked > start else start)
        seen += QUIET_LOOK_S if since > QUIET_LOOK_S else since if since > 0.0 else 0.0
        checked = at
        tenth += _LOOK_TENTHS
        if at - last_at >= GONE_MAX_S:
            track.gone = True
            break
        seen += STANDING_LOOK_S
        still += STANDING_LOOK_S
    if tenth > first:
        track.seen_s, track.still_s, track.checked_at, track.looked_reads = seen, still, checked, track.reads
        _forget_at_each(track, first, tenth)


def all_caught_up(tracks: Iterable[Track], now: float) -> None:
    """The same for all of a gate that stand. Not while its readers are away: then who is not heard is not looked at."""
    for track in tracks:
        if track.state == "standing" and not track.gone:
            caught_up(track, now)


def looked_at_from(track: Track, tenth: int) -> None:
    """The looks of a standing tag go on at `tenth`, at the earliest: it was away, or could not be heard."""
    if next_tenth(track) < tenth:
        track.checked_at = (tenth - _LOOK_TENTHS) / TENTHS


def forget_bins(track: Track, now: float) -> None:
    """Forgets what a standing tag showed before its next passage could start: nine tenths of what a full shelf would remember."""
    known, first = oldest(track), _first_kept(track, now)
    if known is not None and known < first - _BINS_AT_ONCE:
        forget_before(track, first)


def _forget_at_each(track: Track, tenth: int, end: int) -> None:
    """The same at each look from `tenth` to before `end`, both in tenths of a second, but for looks that cannot find anything."""
    stir, stir_at = track.stir, track.stir_at * TENTHS
    while (known := oldest(track)) is not None:
        soonest = known + _KEPT_TENTHS
        if stir > 0.0:
            soonest = soonest + _DEPARTS_TENTHS if stir_at < soonest - 1 else known
        if tenth < soonest:
            tenth += -((tenth - soonest) // _LOOK_TENTHS) * _LOOK_TENTHS
        if tenth >= end:
            return
        first = _first_kept(track, tenth / TENTHS)
        if known < first - _BINS_AT_ONCE:
            forget_before(track, first)
        tenth += _LOOK_TENTHS


def _first_kept(track: Track, now: float) -> int:
    since = max(track.stir_at, now - DEPARTS_S) if track.stir > 0.0 else now
    return int((since - STANDING_KEPT_S) // BIN_S)
