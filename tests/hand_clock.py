"""A clock that runs when it is told to."""


class HandClock:
    """`at`: Unix seconds; `lap`: seconds that are added to the monotonic time only."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.lap = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at + self.lap
