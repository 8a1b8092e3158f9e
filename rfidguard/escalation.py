"""Who hears of an alarm that nobody takes up: one more group of handhelds, in the end everybody, lights and sirens. Pure.

An alarm escalates once where nobody acknowledged it within `escalate_s`, and again after each further `escalate_s` while no
handheld has said `received`: a receipt is the only proof that it arrived.
"""

from collections.abc import Sequence

import msgspec

from rfidguard.alarm import Alarm

Groups = Sequence[Sequence[str]]
"""The users of each group of handhelds, in the order in which they are told."""


def first_told(groups: Groups) -> tuple[str, ...]:
    """Whose handhelds ring when an alarm is raised; empty: everybody's."""
    return tuple(groups[0]) if groups else ()


def widened(groups: Groups, alarm: Alarm) -> Alarm:
    """The alarm told to the next group too; after the last one to everybody."""
    further = next((group for group in groups if not set(group) <= set(alarm.to)), ())
    to = (*alarm.to, *(user for user in further if user not in alarm.to)) if alarm.to and further else ()
    return msgspec.structs.replace(alarm, to=to)


def steps(groups: Groups) -> int:
    """How often an alarm that no handheld received escalates: once a group, the last time to everybody and to what rings."""
    return max(1, len(groups))


def steps_behind(groups: Groups, alarm: Alarm) -> int:
    """How often an alarm of which nothing else is known has escalated already."""
    if not groups:
        return int(alarm.severity == "critical")
    if not alarm.to:
        return steps(groups)
    return sum(set(group) <= set(alarm.to) for group in groups) - 1


def next_at(groups: Groups, alarm: Alarm, done: int, every_s: float) -> float | None:
    """When an open alarm that escalated `done` times does so next; None: never."""
    most = steps(groups) if alarm.delivered_by is None else 1
    if alarm.drill or done >= most:
        return None
    return alarm.raised_at + (done + 1) * every_s


def rings_out(groups: Groups, alarm: Alarm, done: int) -> bool:
    """Whether lights and sirens are next, `done` escalations after it was raised: no handheld has it, and all were told."""
    return alarm.delivered_by is None and done >= steps(groups)
