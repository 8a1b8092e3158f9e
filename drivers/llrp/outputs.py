"""Which outputs are on and until when, pure. The driver switches; this only keeps the book."""


class Outputs:
    """Outputs switched on by us. It outlives a session: what was on when the link broke must be switched off on the next one."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}

    def switched(self, pin: int, until: float | None) -> None:
        """`pin` was switched on until the monotonic time `until` (a later one that already stands is kept), or off (None)."""
        if until is None:
            self._until.pop(pin, None)
        else:
            self._until[pin] = max(until, self._until.get(pin, until))

    def retry(self, pin: int, at: float) -> None:
        """`pin` would not go off: try again at the monotonic time `at`."""
        self._until[pin] = at

    def due(self, now: float) -> list[int]:
        """Pins whose time is up."""
        return sorted(pin for pin, until in self._until.items() if until <= now)

    def on(self) -> list[int]:
        """Pins that are on, as far as we know."""
        return sorted(self._until)
