"""GET_READER_CAPABILITIES: what the played reader says that it can do."""

from collections.abc import Callable

from simulators.llrp_reader.numbers import Custom, Parameter, Status
from simulators.llrp_reader.profile import ReaderProfile, RfMode
from simulators.llrp_reader.refusal import field_refusal
from simulators.llrp_reader.wire import impinj, s16, text, tlv, u8, u16, u32

P = Parameter
_ALL, _GENERAL, _LLRP, _REGULATORY, _AIR_PROTOCOL = range(5)
_GEN2 = 1
_IMPINJ_ALL, _IMPINJ_VERSION, _IMPINJ_FREQUENCIES = 1000, 1001, 1002


def capabilities(profile: ReaderProfile, requested: int, has_utc: bool, version: int = 1) -> bytes:
    """The parameters asked for, in the standard's order. Raises Refusal for a kind of data that does not exist."""
    parts: dict[int, Callable[[], bytes]] = {
        _GENERAL: lambda: _general(profile, has_utc, version),
        _LLRP: lambda: _llrp(profile),
        _REGULATORY: lambda: _regulatory(profile),
        _AIR_PROTOCOL: lambda: tlv(P.C1G2_LLRP_CAPABILITIES, u8(0xC0), u16(2)),
    }
    if requested == _ALL:
        return b"".join(part() for part in parts.values())
    if requested not in parts:
        raise field_refusal(0, f"RequestedData is 0 to 4, not {requested}", Status.A_OUT_OF_RANGE)
    return parts[requested]()


def impinj_capabilities(profile: ReaderProfile, requested: int) -> bytes:
    """Impinj's own capabilities, for an ImpinjRequestedData parameter."""
    out = b""
    if requested in (_IMPINJ_ALL, _IMPINJ_VERSION):
        names = ("Speedway R420", profile.mac[-8:], profile.firmware, profile.firmware, "1", "1")
        out += impinj(Custom.DETAILED_VERSION, *map(text, names))
    if requested in (_IMPINJ_ALL, _IMPINJ_FREQUENCIES):
        out += impinj(Custom.FREQUENCY_CAPABILITIES, u16(len(profile.frequencies)), u32(*profile.frequencies))
    return out


def _general(profile: ReaderProfile, has_utc: bool, version: int) -> bytes:
    sensitivities = range(1, 43)
    return tlv(
        P.GENERAL_DEVICE_CAPABILITIES,
        u16(profile.antennas, 0x4000 if has_utc else 0),
        u32(profile.manufacturer, profile.model),
        text(profile.firmware),
        *(tlv(P.RECEIVE_SENSITIVITY_TABLE_ENTRY, u16(index, (index - 1) + (9 if index > 1 else 0))) for index in sensitivities),
        *(
            tlv(P.PER_ANTENNA_RECEIVE_SENSITIVITY_RANGE, u16(antenna, 1, len(sensitivities)))
            for antenna in range(1, profile.antennas + 1)
        ),
        tlv(P.GPIO_CAPABILITIES, u16(profile.inputs, profile.outputs)),
        *(tlv(P.PER_ANTENNA_AIR_PROTOCOL, u16(antenna, 1), u8(_GEN2)) for antenna in range(1, profile.antennas + 1)),
        tlv(P.MAXIMUM_RECEIVE_SENSITIVITY, s16(-80)) if version > 1 else b"",
    )


def _llrp(profile: ReaderProfile) -> bytes:
    can = 0b0100_1000  # tells buffer levels, holds events and reports; no survey, no client request
    if profile.state_aware:
        can |= 0b0001_0000
    return tlv(
        P.LLRP_CAPABILITIES,
        u8(can, 1),
        u16(0),
        u32(profile.max_rospecs, profile.max_specs, 1, profile.max_accessspecs, 8),
    )


def _regulatory(profile: ReaderProfile) -> bytes:
    powers = (tlv(P.TRANSMIT_POWER_LEVEL_TABLE_ENTRY, u16(index), s16(power)) for index, power in enumerate(profile.powers, 1))
    modes = (_mode(mode) for mode in profile.modes)
    band = tlv(P.UHF_BAND_CAPABILITIES, *powers, _frequencies(profile), tlv(P.C1G2_UHF_RF_MODE_TABLE, *modes))
    return tlv(P.REGULATORY_CAPABILITIES, u16(profile.country, profile.standard), band)


def _frequencies(profile: ReaderProfile) -> bytes:
    count = u16(len(profile.frequencies))
    table = u32(*profile.frequencies)
    if profile.hopping:
        return tlv(P.FREQUENCY_INFORMATION, u8(0x80), tlv(P.FREQUENCY_HOP_TABLE, u8(1, 0), count, table))
    return tlv(P.FREQUENCY_INFORMATION, u8(0), tlv(P.FIXED_FREQUENCY_TABLE, count, table))


def _mode(mode: RfMode) -> bytes:
    return tlv(
        P.C1G2_UHF_RF_MODE_TABLE_ENTRY,
        u32(mode.identifier),
        u8(0x80, mode.miller, mode.modulation, mode.mask),
        u32(mode.rate, mode.pie, mode.tari, mode.tari, 0),
    )
