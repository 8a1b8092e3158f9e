"""Layouts that nobody has tuned to: drawn from a seed within what installers do. `random-zones-17` names one.

Ranges are general knowledge, none is measured: heights of ceilings and pedestals, how far apart and how skew antennas hang, and
how much power they get (up to 33 dBm ERP = 35.2 dBm EIRP in Europe, 36 dBm in the Americas). Ports are wired in any order.
"""

import re
from collections.abc import Callable
from random import Random

from rfidguard.errors import ConfigError
from simulators.layouts import LAYOUTS, Antenna, Layout, Vec, ceiling_patch, slim_patch

_NAME = re.compile(r"random-([a-z]+)-([0-9]+)")


def layout_named(name: str) -> Layout:
    """A layout of LAYOUTS, or a random one by its name. Raises ConfigError listing what there is."""
    found = _NAME.fullmatch(name)
    if found is not None and found[1] in FAMILIES:
        return random_layout(int(found[2]), found[1])
    if name in LAYOUTS:
        return LAYOUTS[name]
    raise ConfigError(
        [f"layout {name!r} is none of {', '.join(LAYOUTS)}, and no random-<family>-<seed> of {', '.join(FAMILIES)}"]
    )


def random_layout(seed: int, family: str = "any") -> Layout:
    """A layout of `family`: zones, pedestals, front (with inside and outside zones), facing, curtain, single, or any of them."""
    rng = Random(f"layout/{family}/{seed}")
    chosen = rng.choice([name for name in FAMILIES if name != "any"]) if family == "any" else family
    half, antennas, about = _MAKERS[chosen](rng)
    return Layout(f"random-{family}-{seed}", about, round(half, 2), tuple(_rewired(antennas, rng)))


def _zones(rng: Random) -> tuple[float, list[Antenna], str]:
    """One or two pairs overhead, each an inside and an outside antenna, over a door."""
    half, height, pairs = rng.uniform(0.6, 1.5), rng.uniform(2.3, 3.3), 1
    if half > 0.8:
        pairs = rng.choice((1, 2))
    eirp = rng.uniform(31.5, 35.5)
    antennas = [antenna for x in _across(half, pairs) for antenna in _pair(rng, x, height, eirp)]
    return half, antennas, f"{pairs} inside and outside pairs at {height:.1f} m over a door of {2 * half:.1f} m"


def _front(rng: Random) -> tuple[float, list[Antenna], str]:
    """A wide open front under two or three pairs."""
    half, height, pairs = rng.uniform(2.0, 3.5), rng.uniform(2.6, 3.4), rng.choice((2, 2, 3))
    eirp = rng.uniform(33.0, 36.0)
    antennas = [antenna for x in _across(half, pairs) for antenna in _pair(rng, x, height, eirp)]
    return half, antennas, f"a front of {2 * half:.1f} m under {pairs} inside and outside pairs at {height:.1f} m"


def _pedestals(rng: Random) -> tuple[float, list[Antenna], str]:
    """Two pedestals, in each an inner and an outer antenna that look away from one another and more or less across."""
    half, height, apart, eirp = rng.uniform(0.6, 1.0), rng.uniform(0.8, 1.4), rng.uniform(0.1, 0.4), rng.uniform(29.0, 33.0)
    turn = rng.uniform(0.6, 1.6)
    antennas = []
    for side in (-1.0, 1.0):
        for zone, way in (("inside", -1.0), ("outside", 1.0)):
            at = (side * half, way * apart + rng.gauss(0, 0.03), height + rng.gauss(0, 0.05))
            antennas.append(slim_patch(0, zone, at, (at[0] - side, at[1] + way * turn, at[2]), eirp_dbm=eirp))
    return half, antennas, f"two pedestals {2 * half:.1f} m apart, in each an inner and an outer antenna at {height:.1f} m"


def _facing(rng: Random) -> tuple[float, list[Antenna], str]:
    """Two pedestals that face one another, with one antenna or one above the other in each."""
    half, eirp = rng.uniform(0.6, 1.0), rng.uniform(29.0, 33.0)
    heights = rng.choice(([rng.uniform(0.8, 1.3)], [rng.uniform(0.4, 0.7), rng.uniform(1.1, 1.5)]))
    antennas = []
    for side in (-1.0, 1.0):
        for height in heights:
            at = (side * half, rng.gauss(0, 0.05), height)
            antennas.append(slim_patch(0, "threshold", at, (0.0, at[1] + rng.gauss(0, 0.1), height), eirp_dbm=eirp))
    return half, antennas, f"two facing pedestals {2 * half:.1f} m apart, {len(heights)} antennas in each"


def _curtain(rng: Random) -> tuple[float, list[Antenna], str]:
    """A row of antennas over a wide front that all look straight down."""
    half, height, count, eirp = rng.uniform(1.6, 3.2), rng.uniform(2.5, 3.3), rng.choice((3, 4)), rng.uniform(32.0, 36.0)
    antennas = []
    for x in _across(half, count):
        at = (x, rng.gauss(0, 0.05), height)
        antennas.append(ceiling_patch(0, "threshold", at, (x, at[1] + rng.gauss(0, 0.1), 0.9), eirp_dbm=eirp))
    return half, antennas, f"{count} antennas in a row at {height:.1f} m over a front of {2 * half:.1f} m"


def _single(rng: Random) -> tuple[float, list[Antenna], str]:
    """One antenna over a narrow door."""
    half, height = rng.uniform(0.5, 0.9), rng.uniform(2.3, 3.0)
    at = (rng.gauss(0, 0.1), rng.gauss(0, 0.1), height)
    patch = ceiling_patch(0, "threshold", at, (at[0], at[1] + rng.gauss(0, 0.1), 0.9), eirp_dbm=rng.uniform(31.0, 35.0))
    return half, [patch], f"one antenna at {height:.1f} m over a door of {2 * half:.1f} m"


def _pair(rng: Random, x: float, height: float, eirp: float) -> list[Antenna]:
    """An inside and an outside antenna: how far apart and how much tilted is much the same for both, never just the same."""
    apart, ahead = rng.uniform(0.25, 0.9), rng.uniform(0.6, 1.4)
    pair = []
    for zone, way in (("inside", -1.0), ("outside", 1.0)):
        at: Vec = (x + rng.gauss(0, 0.08), way * apart + rng.gauss(0, 0.05), height + rng.gauss(0, 0.03))
        aim: Vec = (at[0] + rng.gauss(0, 0.1), at[1] + way * ahead * rng.uniform(0.85, 1.15), 0.9)
        pair.append(ceiling_patch(0, zone, at, aim, eirp_dbm=eirp))
    return pair


def _across(half: float, count: int) -> list[float]:
    """`count` places spread evenly over the opening."""
    return [half * (2.0 * (number + 0.5) / count - 1.0) for number in range(count)]


def _rewired(antennas: list[Antenna], rng: Random) -> list[Antenna]:
    """Ports as they happen to be plugged in, in their order."""
    ports = rng.sample(range(1, len(antennas) + 1), len(antennas))
    wired = zip(ports, antennas, strict=True)
    return [
        Antenna(port, old.zone, old.at, old.boresight, old.eirp_dbm, old.rssi_1m_dbm) for port, old in sorted(wired, key=_port_of)
    ]


def _port_of(wired: tuple[int, Antenna]) -> int:
    return wired[0]


_MAKERS: dict[str, Callable[[Random], tuple[float, list[Antenna], str]]] = {
    "zones": _zones,
    "pedestals": _pedestals,
    "front": _front,
    "facing": _facing,
    "curtain": _curtain,
    "single": _single,
}
FAMILIES = (*_MAKERS, "any")
