"""The state of gates from the state of their devices. Pure."""

from typing import Any

from rfidguard.alarm import utc_text
from rfidguard.arming import Quiet
from rfidguard.config import Config, Gate

_ORDER = ("online", "degraded", "offline")


class StatusBoard:
    """The newest state of every configured device, and of every gate."""

    def __init__(self, config: Config) -> None:
        self._gates = config.gate
        names = [device.id for gate in config.gate for device in (*gate.reader, *gate.pedestal, *gate.counter)]
        self.faults: dict[str, dict[str, str]] = {}
        """Gate -> what the core found wrong with its sight, and the evidence."""
        self.quiet: dict[str, Quiet | None] = {}
        """Gate -> why it does not alarm now."""
        self.devices: dict[str, tuple[str, str | None]] = dict.fromkeys(names, ("offline", "not heard yet"))

    def heard(self, device: str, state: str, reason: str | None) -> bool:
        """Takes a device's state in; True where it is another than before."""
        changed = self.devices.get(device) != (state, reason)
        self.devices[device] = (state, reason)
        return changed

    def device(self, device: str, at: float) -> dict[str, Any]:
        state, reason = self.devices[device]
        return {"device": device, "state": state, "reason": reason, "at": utc_text(at)}

    def gates_of(self, device: str) -> list[Gate]:
        return [
            gate
            for gate in self._gates
            if device in [d.id for d in (*gate.reader, *gate.pedestal, *gate.counter)]
            or any(device == reader.id and gate.id in served(reader, owner) for owner in self._gates for reader in owner.reader)
        ]

    def named(self, gate: str) -> Gate:
        """The gate of this id. Raises StopIteration where there is none."""
        return next(known for known in self._gates if known.id == gate)

    def gate(self, gate: Gate, at: float) -> dict[str, Any]:
        """A gate is offline when none of its readers reads, degraded when any of its devices is not well."""
        readers = [self.devices[reader.id] for reader in gate.reader]
        every = {d.id: self.devices[d.id] for d in (*gate.reader, *gate.pedestal, *gate.counter)}
        ill = {name: entry for name, entry in every.items() if entry[0] != "online"}
        faults = self.faults.get(gate.id, {})
        state = "degraded" if ill or faults else "online"
        if readers and all(entry[0] == "offline" for entry in readers):
            state = "offline"
        texts = [f"{name} {entry[0]}" + (f": {entry[1]}" if entry[1] else "") for name, entry in ill.items()]
        texts += [f"{name}: {text}" for name, text in faults.items()]
        reason = "; ".join(texts) or None
        told = {"gate": gate.id, "state": state, "reason": reason, "at": utc_text(at), "faults": list(faults)}
        return told | self._told_quiet(gate.id)

    def _told_quiet(self, gate: str) -> dict[str, Any]:
        why = self.quiet.get(gate)
        if why is None:
            return {"armed": True, "quiet": None, "quiet_until": None, "quiet_by": None}
        until = None if why.until is None else utc_text(why.until)
        return {"armed": False, "quiet": why.reason, "quiet_until": until, "quiet_by": why.by}


def served(reader: Any, owner: Gate) -> set[str]:
    """The gates that a reader's antennas look at."""
    return {place[0] for place in reader.places(owner.id).values()}
