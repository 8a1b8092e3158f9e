"""What kind of reader is played: maker, ports, limits, and the tables of power, frequency and RF modes."""

from dataclasses import dataclass, replace

from simulators.llrp_reader.numbers import IMPINJ


@dataclass(frozen=True)
class RfMode:
    """One row of the C1G2 RF mode table; rates in bit/s, tari in ns, PIE as ratio x 1000."""

    identifier: int
    miller: int
    """0 FM0, 1 Miller-2, 2 Miller-4, 3 Miller-8."""
    modulation: int
    """0 PR-ASK, 1 SSB-ASK, 2 DSB-ASK."""
    mask: int
    """Spectral mask: 2 multi-interrogator, 3 dense-interrogator."""
    rate: int
    pie: int
    tari: int


@dataclass(frozen=True)
class ReaderProfile:
    """A model of reader. Powers are 1/100 dBm, frequencies kHz; table indices count from 1."""

    name: str
    manufacturer: int
    model: int
    firmware: str
    impinj: bool
    antennas: int
    inputs: int
    outputs: int
    powers: tuple[int, ...]
    frequencies: tuple[int, ...]
    hopping: bool
    country: int
    standard: int
    """CommunicationsStandard: 1 FCC part 15, 2 ETSI 302 208."""
    modes: tuple[RfMode, ...]
    max_rospecs: int
    max_accessspecs: int = 100
    max_specs: int = 32
    """AISpecs in one ROSpec."""
    state_aware: bool = False
    """Knows of every tag whether its SL flag is set, and obeys state-aware inventory commands."""
    mac: str = "001625FFFE12A3C4"

    def channel_index(self, channel: int | float | None) -> int:
        """The 1-based index of a channel given as index, or as MHz (the nearest of the table)."""
        if channel is None:
            return 1
        if isinstance(channel, int):
            return channel & 0xFFFF
        distances = [abs(channel * 1000 - frequency) for frequency in self.frequencies]
        return distances.index(min(distances)) + 1


_FCC = tuple(range(902_750, 927_251, 500))
_ETSI = (865_700, 866_300, 866_900, 867_500)
_MODES = (
    RfMode(0, 0, 2, 2, 640_000, 1500, 6250),
    RfMode(1, 1, 2, 2, 640_000, 1500, 6250),
    RfMode(2, 2, 0, 3, 274_000, 2000, 20_000),
    RfMode(3, 3, 0, 3, 170_600, 2000, 20_000),
)

IMPINJ_PROFILE = ReaderProfile(
    name="impinj",
    manufacturer=IMPINJ,
    model=2_001_002,
    firmware="5.14.0.240",
    impinj=True,
    antennas=4,
    inputs=4,
    outputs=4,
    powers=tuple(range(1000, 3251, 25)),
    frequencies=_FCC,
    hopping=True,
    country=840,
    standard=1,
    modes=(*_MODES, RfMode(1000, 2, 2, 2, 40_000, 1500, 6250), RfMode(1002, 2, 2, 2, 40_000, 1500, 6250)),
    max_rospecs=1,
)

GENERIC_PROFILE = replace(
    IMPINJ_PROFILE,
    name="generic",
    manufacturer=64_000,
    model=1,
    firmware="1.0.0",
    impinj=False,
    powers=tuple(range(1000, 3001, 100)),
    modes=_MODES,
    max_rospecs=8,
    mac="020000FFFE000001",
)

PROFILES = {"impinj": IMPINJ_PROFILE, "generic": GENERIC_PROFILE}


def profile(
    model: str,
    region: str = "fcc",
    antennas: int = 4,
    inputs: int = 4,
    outputs: int = 4,
    state_aware: bool = False,
    max_specs: int = 32,
) -> ReaderProfile:
    """The profile of a `model` ("impinj", "generic") in a `region` ("fcc", "etsi") with that many ports. Raises KeyError."""
    base = replace(
        PROFILES[model], antennas=antennas, inputs=inputs, outputs=outputs, state_aware=state_aware, max_specs=max_specs
    )
    bands = {"fcc": base, "etsi": replace(base, frequencies=_ETSI, hopping=False, country=276, standard=2)}
    return bands[region]
