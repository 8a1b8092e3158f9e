"""Whether a ROSpec that ends by itself runs again and again, and as long as planned, pure. `now` is monotonic, in seconds.

By the standard an immediate ROSpec starts again by itself. Readers differ: one that does not is told to (`start_due`); one that
cannot be brought to it, or whose runs are of quite another length, is given up (`fault`).

The length of a run is judged by the reader's clock (`at`, in Unix time) and by ours, and is wrong only where both find it so: a
link that stood still distorts ours, a clock that jumps the reader's. A reader that tells starts tells ends, too, for one setting
switches both on: a read from long after a told start, with no end before it, comes from a reader that ignores durations.

A reader that tells neither is never given up for an end that is missing. It may well keep to the plan, and if it is quiet,
perhaps nobody is there. If it has ended and stays so, START_ROSPEC mends that and does no harm to one that runs: it is sent after
each silence longer than a run. Only a reader that refuses it, and then says that the ROSpec is not active, is known not to read.
If it ignores durations instead and stays with its first AISpec, tags that come are still read, by sessions just once; that looks
like a plan that is kept, so that the README tells of it.
"""

RESTART_S = 0.05
"""After an end, for a reader to start again by itself. Until then nobody is read."""

PATIENCE_S = 2.0
"""Readers and networks are late at times."""

SHORTEST, LONGEST = 0.5, 1.5
"""Of the planned length: a reader needs some time from AISpec to AISpec, one that needs half as long again wastes it."""

MAX_ODD = 3
"""Runs of a wrong length in a row. A single one may be a clock that was set, or a reader that was busy with something else."""


class Repeats:
    """Watches a ROSpec planned to take `run_s`, enabled at `now`, by its events and reads."""

    def __init__(self, run_s: float, now: float) -> None:
        self._run_s = run_s
        self._alive_at = now
        self._began: tuple[float, float] | None = None
        """When the present run started, by our clock and the reader's; None where that is not known."""
        self._told = False
        """Whether the reader told of that start."""
        self._ended_at: float | None = None
        self._asked = False
        self._odd = 0

    def started(self, now: float, at: float) -> None:
        """The reader says that it started."""
        self._begin(now, at)
        self._told = True

    def ended(self, now: float, at: float) -> None:
        """The reader says that it ended."""
        lengths = self._lengths(now, at)
        if lengths is not None:
            odd = max(lengths) < SHORTEST * self._run_s or min(lengths) > LONGEST * self._run_s
            self._odd = self._odd + 1 if odd else 0
        self._alive_at = self._ended_at = now
        self._began, self._told, self._asked = None, False, False

    def read(self, now: float, at: float) -> None:
        """A fresh read came, of the time `at`: it runs, whatever the reader says of it."""
        self._alive_at = now
        lengths = self._lengths(now, at)
        if self._told and lengths is not None and min(lengths) > MAX_ODD * LONGEST * self._run_s:
            self._odd = MAX_ODD

    def start_due(self, now: float) -> bool:
        """Whether it is time for START_ROSPEC."""
        if self._asked:
            return False
        if self._ended_at is not None:
            return now >= self._ended_at + RESTART_S
        return not self._told and now >= self._alive_at + self._run_s + PATIENCE_S

    def asking(self) -> None:
        """START_ROSPEC is about to be sent."""
        self._asked = True

    def answered(self, now: float, at: float, runs: bool | None) -> None:
        """START_ROSPEC was answered: the reader says that it runs or that it does not, or leaves it open (None)."""
        if not self._asked:
            return  # a start or an end came with the answer, and says more
        if runs:
            self._begin(now, at)
        elif self._ended_at is None:
            self._alive_at, self._asked = now, runs is False
            self._ended_at = now if runs is False else None

    def fault(self, now: float, heard_at: float) -> str | None:
        """What is wrong at `now`, in words. A reader that was not even heard (`heard_at`) since it is due is the link's fault."""
        if self._odd >= MAX_ODD:
            return "takes much longer or shorter over the inventory than it is asked to"
        due = self._alive_at + PATIENCE_S
        if self._ended_at is None or now < due or heard_at < due:
            return None
        return f"has not started the inventory again for {now - self._alive_at:.1f} s"

    def _begin(self, now: float, at: float) -> None:
        self._alive_at, self._began = now, (now, at)
        self._ended_at, self._asked = None, False

    def _lengths(self, now: float, at: float) -> tuple[float, float] | None:
        return None if self._began is None else (now - self._began[0], at - self._began[1])
