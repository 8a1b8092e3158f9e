"""Step 2b: one read into the track of its tag: its bin, and whether it comes from where the tag stands, or lately was. Pure."""

from math import cos, log, sin

from rfidguard.bins import binned, may_wait, put
from rfidguard.spot import Spot, drifted, learn, surprise
from rfidguard.track import BIN_S, Track
from rfidguard.trail import trodden

_UNHEARD = 0.6
"""What a read by an antenna that never heard the tag on its shelf says of its having left."""
_RARELY, _ANY_ANTENNA, _ELSEWHERE_MOST = 10.0, 0.25, 3.0
"""An antenna that gave fewer of the tag's last reads is asked what it says. Of a gate's antennas, mostly four, any may hear who
moves.
"""
_ANEW_S = 10.0
"""What seems to drift for so long does not: an antenna's first read fell into a shadow. Whether it rests is then asked anew."""
_STIR_MOST = 15.0
_STIR_LEARNS = 2.0
_BASE_READS, _LATELY_READS = 40.0, 6.0
_EARS_READS = 80.0
_BEAT_READS, _BEAT_MOST_S = 30.0, 5.0


def add_read(
    track: Track, slot: str, at: float, rssi_db: float, channel: float | None, phase: float | None, count: int,
    doppler_hz: float | None = None,
) -> None:  # fmt: skip
    """Takes one read into the track. Reads older than the kept history change only the counts."""
    track.reads += count
    track.fresh_reads += count
    standing = track.state == "standing"
    if standing:
        gap = at - track.last_at
        gap = 0.0 if gap <= 0.0 else _BEAT_MOST_S if gap > _BEAT_MOST_S else gap
        track.beat_s += (gap - track.beat_s) / _BEAT_READS
    if at > track.last_at:
        track.last_at = at
    trodden(track.trail, at, slot, rssi_db)
    index = int(at // BIN_S)
    tenfold = -10 if channel is None else int(10.0 * channel)
    real = imag = 0.0
    if phase is not None:
        real, imag = cos(2.0 * phase), sin(2.0 * phase)
    if standing and track.base and may_wait(track, index):
        off = _against_base(track, slot, at, rssi_db, tenfold, real, imag)
        track.loose.append((index, slot, at, rssi_db, channel, phase, doppler_hz, off))
        return
    binned(track)
    place = put(track, index, slot, at, rssi_db, channel, phase, doppler_hz)
    if place is None:
        return
    if track.base:
        place.off += _against_base(track, slot, at, rssi_db, tenfold, real, imag)
        place.off_n += 1
    if not standing:
        _against_lately(track, slot, at, rssi_db, tenfold, real, imag)


def _against_base(track: Track, slot: str, at: float, rssi_db: float, channel: int, real: float, imag: float) -> float:
    """Log-odds that the read does not come from where the tag stands, or stood. While it does, that place is learnt on."""
    spot = track.base.get(slot)
    off = _UNHEARD if spot is None else surprise(spot, rssi_db, channel, real, imag)
    stir, home = track.stir, track.home - off
    if stir <= 0.0:
        track.stir_at = at
    if off <= 0.0:
        track.home_at = at
    stir += off
    if track.ears.get(slot, 0.0) < _RARELY:
        stir += _by_antenna(track.ears, slot)
    track.stir = stir = 0.0 if stir < 0.0 else _STIR_MOST if stir > _STIR_MOST else stir
    track.home = 0.0 if home < 0.0 else _STIR_MOST if home > _STIR_MOST else home
    if stir < _STIR_LEARNS and track.state == "standing":
        if spot is None:
            spot = track.base[slot] = Spot(0.0, rssi_db)
        learn(spot, rssi_db, channel, real, imag, _BASE_READS)
        _share(track.ears, slot)
    return off


def _by_antenna(ears: dict[str, float], slot: str) -> float:
    """Natural log of P(this antenna | moving) / P(this antenna | standing here), where moving is likelier. It only makes a tag
    watched: its score has signs of its own for that (`off_shelf.py`), for who passes a shelf changes which antennas hear it, too.
    """
    share = (ears.get(slot, 0.0) + 0.5) / (sum(ears.values()) + 2.0)
    told = log(_ANY_ANTENNA / share)
    return 0.0 if told < 0.0 else _ELSEWHERE_MOST if told > _ELSEWHERE_MOST else told


def _share(ears: dict[str, float], slot: str) -> None:
    ears[slot] = ears.get(slot, 0.0) + 1.0
    if sum(ears.values()) > _EARS_READS:
        for known in ears:
            ears[known] *= 0.5


def _against_lately(track: Track, slot: str, at: float, rssi_db: float, channel: int, real: float, imag: float) -> None:
    spot = track.lately.get(slot)
    if spot is None:
        spot = track.lately[slot] = Spot(0.0, rssi_db, anchor_db=rssi_db)
    else:
        told = surprise(spot, rssi_db, channel, real, imag)
        if not track.calm_n:
            track.calm_at = at
        track.calm -= told
        track.calm_n += 1
        if track.calm <= 0.0 or (at - track.calm_at > _ANEW_S and drifted(track.lately.values())):
            track.calm, track.calm_n, track.calm_at = 0.0, 0, at
            for known in track.lately.values():
                known.anchor_db = known.mean_db
    learn(spot, rssi_db, channel, real, imag, _LATELY_READS)
