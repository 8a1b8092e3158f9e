"""Whether a gate still sees: what is remembered of its reads, people and pedestals, and when that is looked at. Pure.

A gate that is jammed, unplugged or covered says nothing, just as an empty one does. What tells them apart is what usually comes:
reads while people pass, the goods that always stand there, and canary tags. gate_faults.py draws the conclusions.
"""

import msgspec

from rfidguard.events import Eas
from rfidguard.layout import GateLayout
from rfidguard.path import Presence
from rfidguard.track import Track

CHECK_S = 5.0
WATCHED_S = 90.0
"""A gate at which nothing happens is looked at for so long; then nothing can change any more."""
GROUP_S = 3.0
"""People counted closer together than this are one group."""
GROUP_REACH_S = 5.0
"""What a group carries is read within this time of its count."""
MEMORY = 300.0
"""So many groups, or looks, make up what is usual; older ones fade."""
SILENCE_S = 30.0
"""A silence longer than this says nothing more of what is usual."""
NOISE_KEPT_S = 70.0
_ILL = ("fault", "tamper", "power")


class Watch(msgspec.Struct):
    """Of one gate. Times are Unix seconds, -1: never.

    `readers`: whether each is online, as far as was told. `slots`: antenna -> its last read. `unheard`, `skipped`: antenna ->
    reads of standing tags that it used to hear, and passages, that others heard since it last did; `gaps`, `ears`: the most
    such reads so far, and the passages that it heard, of how many. `groups`, `hits`: people that passed, and those with whom
    something was read; `empty`: groups in a row without a read. `looks`, `hums`: checks, and those with a read. Older ones
    fade. `swap`: votes that the ports are swapped, minus those against; `antenna_votes`: the same of one antenna, and all votes
    on it. `faults`: what is wrong now -> its evidence.
    """

    next_at: float | None = None
    heard_at: float = -1.0
    readers: dict[str, bool] = {}
    reads: int = 0
    read_at: float = -1.0
    slots: dict[str, float] = {}
    unheard: dict[str, int] = {}
    gaps: dict[str, int] = {}
    skipped: dict[str, int] = {}
    ears: dict[str, tuple[float, float]] = {}
    pending: list[float] = []
    count_at: float = -1.0
    group_at: float = -1.0
    groups: float = 0.0
    hits: float = 0.0
    empty: int = 0
    looks: float = 0.0
    hums: float = 0.0
    canaries: dict[str, float] = {}
    noise_since: float = -1.0
    noise_at: float = -1.0
    ill: dict[str, str] = {}
    reads_each: float | None = None
    starving: int = 0
    swap: int = 0
    votes: list[bool] = []
    antenna_votes: dict[str, tuple[float, float]] = {}
    vote_at: float = -1.0
    crossings: list[float] = []
    uncounted: int = 0
    distrusted: bool = False
    faults: dict[str, str] = {}
    alarm: str | None = None


def read_heard(watch: Watch, gate: GateLayout, track: Track, slot: str, at: float, count: int, now: float) -> None:
    """A read came in. Called for every one: constant work."""
    watch.reads += count
    if at > watch.read_at:
        watch.read_at = at
    if at > watch.slots.get(slot, -1.0):
        watch.slots[slot] = at
    unheard = watch.unheard
    if gap := unheard.get(slot, 0):
        unheard[slot] = 0
        if gap > watch.gaps.get(slot, 0):
            watch.gaps[slot] = gap
    if track.state == "standing":
        for other in track.base:
            if other != slot:
                unheard[other] = unheard.get(other, 0) + 1
    if gate.canaries and track.epc in gate.canaries:
        watch.canaries[track.epc] = at
    watch.heard_at = now
    if watch.next_at is None:
        stirred(watch, now)


def people_counted(watch: Watch, at: float, now: float) -> None:
    """Somebody was counted; those close together are one group."""
    watch.count_at = max(watch.count_at, at)
    if at - watch.group_at > GROUP_S:
        watch.group_at = at
        watch.pending = [*watch.pending, at][-50:]
    stirred(watch, now)


def pedestal_said(watch: Watch, event: Eas, now: float) -> None:
    """A pedestal reported noise, a fault, or that it is well again."""
    if event.kind == "jammer":
        watch.noise_since = event.at if watch.noise_since < 0 else watch.noise_since
        watch.noise_at = event.at
    elif event.kind == "ok":
        watch.noise_since = -1.0
        watch.ill.pop(event.pedestal, None)
    elif event.kind in _ILL:
        watch.ill[event.pedestal] = event.kind
    stirred(watch, now)


def reader_said(watch: Watch, reader: str, state: str, now: float) -> None:
    """A reader of this gate changed its state. A degraded one still reads."""
    watch.readers[reader] = state != "offline"
    watch.canaries = dict.fromkeys(watch.canaries, now)
    watch.empty = 0
    stirred(watch, now)


def stirred(watch: Watch, now: float) -> None:
    """Something happened at the gate: it is looked at soon."""
    watch.heard_at = now
    if watch.next_at is None:
        watch.next_at = round(now + CHECK_S, 3)


def looked(watch: Watch, presence: Presence, now: float) -> None:
    """Takes the last CHECK_S into what is usual."""
    watch.next_at = round(now + CHECK_S, 3) if now - watch.heard_at < WATCHED_S else None
    if not offline(watch) and (watch.reads or now - watch.read_at < SILENCE_S):
        scale = 1.0 - 1.0 / MEMORY
        watch.looks, watch.hums = watch.looks * scale + 1.0, watch.hums * scale + (watch.reads > 0)
    if now - watch.noise_at > NOISE_KEPT_S:
        watch.noise_since = -1.0
    for at in [at for at in watch.pending if now - at > GROUP_REACH_S]:
        watch.pending.remove(at)
        _group_passed(watch, watch.read_at >= at - GROUP_REACH_S)
    if watch.reads:
        watch.empty = 0
    for at in [at for at in watch.crossings if now - at > GROUP_REACH_S]:
        watch.crossings.remove(at)
        _crossed(watch, any(abs(when - at) <= GROUP_REACH_S for when, _ in presence.counts))


def offline(watch: Watch) -> bool:
    """True where every reader that was heard of said that it is."""
    return bool(watch.readers) and not any(watch.readers.values())


def known_online(watch: Watch) -> bool:
    return bool(watch.readers) and all(watch.readers.values())


def _group_passed(watch: Watch, heard: bool) -> None:
    watch.empty = 0 if heard else watch.empty + 1
    if not offline(watch):
        scale = 1.0 - 1.0 / MEMORY
        watch.groups, watch.hits = watch.groups * scale + 1.0, watch.hits * scale + heard


def _crossed(watch: Watch, counted: bool) -> None:
    """Goods surely left: were the people who carried them counted?"""
    watch.uncounted = 0 if counted else watch.uncounted + 1
    if counted:
        watch.distrusted = False
