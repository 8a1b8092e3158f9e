"""What is wrong with a reader that is connected, pure: named faults, some of which pass by themselves."""


class Health:
    """The open faults of one session. `reason` is None while there are none."""

    def __init__(self) -> None:
        self._faults: dict[str, tuple[str, float | None]] = {}

    def report(self, name: str, reason: str, until: float | None = None) -> None:
        """Fault `name` stands, for good or until the monotonic time `until`."""
        self._faults[name] = (reason, until)

    def mend(self, name: str) -> None:
        """Fault `name` is over."""
        self._faults.pop(name, None)

    def reason(self, now: float) -> str | None:
        """All faults that stand at the monotonic time `now`, in words."""
        self._faults = {name: fault for name, fault in self._faults.items() if fault[1] is None or fault[1] > now}
        return "; ".join(reason for reason, _ in self._faults.values()) or None
