"""Why a gate rang for an item or stayed silent: a story's evidence as findings in plain words, the decisive one first. Pure."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo

import msgspec

from rfidguard.inquiry import Judged, Mood, Picture, Story
from rfidguard.layout import Layout
from rfidguard.reasons import reason_text

NEAR_S = 60.0
"""A decision or a read so close to the time asked for is meant by it."""
BACKLOG_S = 5.0

Say = Callable[[float], str]


class Finding(msgspec.Struct, frozen=True):
    """`code`: a reason code of a decision, or rang, never_heard, still_in_view, backlog, device_away, nothing_recorded."""

    code: str
    text: str


def findings(story: Story, layout: Layout, epc: str, gate: str | None = None) -> list[Finding]:
    """What explains the ring or the silence about `epc`, at `gate` or at any, most decisive first."""
    say = clock_of(layout.timezone)
    judged = nearest(story, epc, gate)
    picture = next((picture for picture in story.pictures if picture.epc == epc), None)
    found = [*_rang(story, say)]
    if judged is not None:
        found.append(_decision(judged, picture, layout, say))
    elif not found and picture is not None:
        found += _undecided(story, picture, epc, gate, say)
    found += _circumstances(story, picture, gate, say)
    return list({finding.code: finding for finding in reversed(found)}.values())[::-1]


def nearest(story: Story, epc: str, gate: str | None = None) -> Judged | None:
    """The decision that the question is about: the nearest in time; one that says something of leaving goes first."""
    own = [j for j in story.judged if j.decision.epc == epc and gate in (None, j.decision.gate)]
    if story.at is None:
        return own[-1] if own else None
    at = story.at
    near = [j for j in own if abs(j.decision.at - at) <= NEAR_S or abs(j.made_at - at) <= NEAR_S]
    return min(near, key=lambda j: (j.decision.direction == "none", abs(j.decision.at - at)), default=None)


def clock_of(zone: tzinfo) -> Say:
    """Unix seconds -> the shop's day and time, to a tenth of a second."""
    return lambda at: (
        datetime.fromtimestamp(math.floor(at * 10 + 0.5) / 10, UTC).astimezone(zone).isoformat(" ", "milliseconds")[:21]
    )


def _rang(story: Story, say: Say) -> Iterator[Finding]:
    for alarm, at in story.rang.items():
        if story.at is None or abs(at - story.at) <= NEAR_S:
            yield Finding("rang", f"It rang at {say(at)}: alarm {alarm}.")


def _decision(judged: Judged, picture: Picture | None, layout: Layout, say: Say) -> Finding:
    decision = judged.decision
    return Finding(decision.reason, " ".join([reason_text(decision.reason), *_details(judged, picture, layout, say)]))


def _details(judged: Judged, picture: Picture | None, layout: Layout, say: Say) -> Iterator[str]:
    decision, said = judged.decision, judged.answer
    match decision.reason:
        case "sold" | "sold_credit" if said is not None and said.at is not None:
            yield f"Record {said.by} of {say(said.at)}."
        case "unknown_item":
            yield f'The site has ledger.unknown_epc = "{layout.policy.unknown_epc}".'
        case "too_few_reads":
            yield f"Heard {decision.terms.get('reads', 0):.0f} times."
        case "carried_in" if picture is not None:
            yield from _came_in(picture, say)
        case "standing" if picture is not None:
            yield from _stood(picture, say)
        case "direction_unknown":
            yield f'The gate has unknown_direction = "{layout.gates[decision.gate].unknown_direction}".'
        case "muted" if picture is not None:
            yield from (f"Until {say(mood.muted_until)}." for mood in picture.gates if mood.muted_until is not None)
        case "ledger_stale" if picture is not None:
            yield "; ".join(f"{feed}: {why}" for feed, why in picture.doubts.items()) + "."


def _undecided(story: Story, picture: Picture, epc: str, gate: str | None, say: Say) -> Iterator[Finding]:
    """Nothing was decided near that time: was it ours, was it heard, did it stand?"""
    if not picture.own:
        yield Finding("foreign", f"{reason_text('foreign')} Its prefix is none of site.company_prefixes or site.own_epcs.")
    reads = [h for h in story.reads if h.epc == epc and gate in (None, h.gate) and abs(h.at - picture.at) <= NEAR_S]
    late = [h for h in reads if h.late_s > BACKLOG_S]
    if reads and len(late) == len(reads):
        worst = max(h.late_s for h in late)
        text = f"Heard {len(reads)} times, but reported up to {worst:.0f} s late: a reader's backlog is recorded and never rings."
        yield Finding("backlog", text)
    elif any(track.state == "standing" for track in picture.tracks):
        yield Finding("standing", " ".join([reason_text("standing"), *_stood(picture, say)]))
    elif reads:
        yield Finding(
            "still_in_view", f"Heard {len(reads)} times, last at {say(reads[-1].at)}; nothing was decided about it by then."
        )
    elif story.quiet is not None:
        span = f"from {say(story.quiet[0])} to {say(story.quiet[1])}"
        yield Finding("nothing_recorded", f"Nothing at all was recorded {span}: nobody was near, or rfidguard did not run.")
    else:
        yield Finding("never_heard", _unheard(picture, gate, say))


def _unheard(picture: Picture, gate: str | None, say: Say) -> str:
    where = f"at gate {gate}" if gate else "at any gate"
    known = [track for track in picture.tracks if gate in (None, track.gate)]
    before = f" It was last heard at {say(max(track.last_at for track in known))}." if known else ""
    return f"No antenna heard it {where} within {NEAR_S:.0f} s of {say(picture.at)}.{before}"


def _circumstances(story: Story, picture: Picture | None, gate: str | None, say: Say) -> Iterator[Finding]:
    """What would have kept the gate silent, or the item from ringing, whatever the item did."""
    if picture is None:
        return
    for mood in picture.gates:
        if gate in (None, mood.gate):
            yield from _mood(mood, say)
    if picture.doubts:
        which = "; ".join(f"{feed}: {why}" for feed, why in picture.doubts.items())
        yield Finding("ledger_stale", f"Sales were not heard of at that time ({which}): the ledger's silence was not believed.")
    if picture.carried_in is not None:
        yield Finding("carried_in", " ".join(_came_in(picture, say)))
    for device in story.devices.values():
        if device.state == "offline":
            why = f" ({device.reason})" if device.reason else ""
            yield Finding("device_away", f"Device {device.device} was offline since {say(device.at)}{why}.")


def _mood(mood: Mood, say: Say) -> Iterator[Finding]:
    if mood.disarmed:
        yield Finding("muted", f"Gate {mood.gate} was disarmed.")
    elif mood.muted_until is not None:
        yield Finding("muted", f"Gate {mood.gate} was muted until {say(mood.muted_until)}.")
    if mood.mode == "observe":
        yield Finding("gate_observes", f'Gate {mood.gate} has mode = "observe".')


def _came_in(picture: Picture, say: Say) -> Iterator[str]:
    inbound = [track.inbound_at for track in picture.tracks if track.inbound_at is not None]
    at = picture.carried_in if picture.carried_in is not None else max(inbound, default=None)
    if at is not None:
        yield f"It came in at {say(at)}."


def _stood(picture: Picture, say: Say) -> Iterator[str]:
    for track in picture.tracks:
        if not track.base:
            continue
        levels = ", ".join(f"{slot} {level:.1f} ± {spread:.1f} dBm" for slot, (level, spread) in track.base.items())
        yield f"Known at gate {track.gate} since {say(track.first_at)}, {track.still_s:.0f} s of it still, heard at {levels}."
