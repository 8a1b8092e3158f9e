"""What a pedestal says of itself, as the state of the device: troubles degrade it, its `ok` mends it. Pure."""

from drivers.contacts import TROUBLES
from rfidguard.events import Device


class EasHealth:
    """Follows one pedestal from its going online on. One that cannot say `ok` is never degraded: it would stay so for ever."""

    def __init__(self, device: str, *, says_ok: bool) -> None:
        self._device = device
        self._says_ok = says_ok
        self._trouble: str | None = None

    def heard(self, kind: str, at: float) -> Device | None:
        """The change of state that `kind` brings, if any."""
        if kind in TROUBLES and self._says_ok and kind != self._trouble:
            self._trouble = kind
            return Device(at=at, device=self._device, state="degraded", reason=f"the pedestal says {kind}")
        if kind == "ok" and self._trouble is not None:
            self._trouble = None
            return Device(at=at, device=self._device, state="online")
        return None
