"""Step 3d: everything that speaks for or against a person carrying a tag, added up, and what `look` may find. Pure."""

import math

import msgspec

from rfidguard.layout import GateLayout
from rfidguard.motion import Evidence, evidence
from rfidguard.path import Place, Presence
from rfidguard.standing import rise_term
from rfidguard.track import Track

MOVED = 1.5
"""Log-odds of motion from which a tag counts as carried."""
NEW_S = 12.0
"""What has been in view for less than this has just come: goods that stand near a gate do not."""
SHELF_S = 8.0
PRESENCE_S = 2.0


class Found(msgspec.Struct, frozen=True):
    """What `look` found: `direction` out, in, none or unknown, and a reason of its own where nothing left."""

    direction: str
    crossing: float
    start: float
    certainty: float
    terms: dict[str, float]
    reason: str | None = None


def weighed(track: Track, gate: GateLayout, presence: Presence, place: Place | None, now: float, company: int = 0) -> Evidence:
    """The motion evidence with what else speaks for or against a person carrying the tag."""
    seen = evidence(track, now)
    when = seen.peak_at if place is None or place.crossed_at is None else place.crossed_at
    near = [direction for at, direction in presence.counts if abs(at - when) <= PRESENCE_S]
    extra = {
        "presence": 1.0 if near else (-1.0 if presence.healthy else 0.0),
        "stood": -min(max(track.still_s, 0.0 if track.new else track.seen_s - SHELF_S, 0.0) / 10.0, 2.0),
        "rise": rise_term(track, gate),
        "new": 2.5 if track.new and track.seen_s < NEW_S else 0.0,
        "flips": -1.5 * min(track.flips, 3),
        "company": 0.7 * min(company, 3),
    }
    if place is not None:
        extra["handover"] = _clip((place.swing_db - 8.0) / 3.0, -min(seen.reads / 10.0, 1.0), 3.0)
        extra["place"] = _log_odds(place.out) if place.out >= place.entered else -_log_odds(place.entered)
        extra["side_db"] = place.side_db
    weights = ("presence", "stood", "rise", "new", "flips", "company", "handover")
    return msgspec.structs.replace(
        seen,
        motion=seen.motion + sum(extra.get(name, 0.0) for name in weights),
        direction=0.0 if place is None else extra["place"],
        terms={**seen.terms, **extra},
    )


def found(direction: str, track: Track, seen: Evidence, told: float, crossing: float, reason: str | None = None) -> Found:
    terms = {name: round(value, 3) for name, value in seen.terms.items()}
    terms |= {"motion": round(seen.motion, 3), "direction": round(seen.direction, 3)}
    certainty = _sigmoid(seen.motion) * told
    return Found(direction, crossing, track.start_at, round(certainty, 4), terms, reason)


def belongs(track: Track) -> bool:
    """True for goods that were there before anybody came: on a shelf, or in view for long without having come."""
    return track.still_s >= SHELF_S or (not track.new and track.seen_s > SHELF_S)


def _log_odds(share: float) -> float:
    return _clip(math.log((share + 1e-4) / (1.0 - share + 1e-4)), -6.0, 6.0)


def _clip(value: float, low: float, high: float) -> float:
    return low if value < low else high if value > high else value


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))
