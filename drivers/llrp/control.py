"""The only file that touches sllurp: control messages through its codec. Whatever it raises becomes a counted reject."""

import logging
from collections import Counter
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from drivers.llrp.frames import Frame

log = logging.getLogger(__name__)

MAX_DECODED_BYTES = 256 * 1024
"""sllurp copies the rest of a message for every parameter: past this size that takes too long, and no reader says that much."""

_FILTER_ACTION = 333


class Control:
    """Encodes requests from sllurp's dictionaries, decodes answers to them."""

    def __init__(self, rejects: Counter[str]) -> None:
        self._rejects = rejects

    def encode(self, name: str, fields: Mapping[str, Any]) -> bytes | None:
        """Body of message `name`; None (counted) if sllurp cannot encode it."""
        try:
            info = _codec().Message_struct[name]
            return bytes(info["encode"](dict(fields), info))
        except Exception as fault:  # noqa: BLE001  (foreign code that raises anything; nothing of it may reach the session)
            self._reject("encode", name, fault)
            return None

    def decode(self, name: str, frame: Frame) -> dict[str, Any] | None:
        """Fields of an answer as sllurp names them; None (counted) if sllurp cannot decode it."""
        if len(frame.body) > MAX_DECODED_BYTES:
            self._rejects["control_too_long"] += 1
            return None
        try:
            return dict(_codec().Message_struct[name]["decode"](frame.body, name))
        except Exception as fault:  # noqa: BLE001  (see above)
            self._reject("decode", name, fault)
            return None

    def _reject(self, verb: str, name: str, fault: Exception) -> None:
        self._rejects[f"control_{verb}"] += 1
        log.warning("cannot %s %s: %s: %s", verb, name, type(fault).__name__, fault)


@cache
def _codec() -> ModuleType:
    """sllurp's codec, imported on first use. What it logs is about its own tables; we count and log what matters."""
    from sllurp import llrp_proto

    logging.getLogger("sllurp").setLevel(logging.CRITICAL)
    codec: ModuleType = llrp_proto
    _add_state_aware(codec)
    return codec


def _add_state_aware(codec: ModuleType) -> None:
    """Encoders for Gen2's state-aware parameters (LLRP 1.0.1, 16.3.1.2.1.1.2 and 16.3.1.2.1.3), in the words that sllurp
    decodes to: it has none, and leaves such parameters out in silence.
    """
    parameters = codec.Param_struct
    parameters["C1G2TagInventoryStateAwareFilterAction"] = {"type": _FILTER_ACTION, "encode": _filter_action}
    parameters["C1G2TagInventoryStateAwareSingulationAction"]["encode"] = _singulation_action
    plain = parameters["C1G2SingulationControl"]["encode"]

    def singulation(fields: dict[str, Any], info: Mapping[str, Any]) -> bytes:
        return bytes(codec.encode_all_parameters(fields, info, plain(fields, info)))

    parameters["C1G2SingulationControl"]["encode"] = singulation


def _filter_action(fields: Mapping[str, int], _: object) -> bytes:
    return bytes((fields["Target"], fields["Action"]))


def _singulation_action(fields: Mapping[str, str], _: object) -> bytes:
    return bytes(((fields["I"] == "State_B") << 7 | (fields["S"] == "Not_SL") << 6,))
