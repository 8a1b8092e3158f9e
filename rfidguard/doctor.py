"""Can this box work? Every check runs at once, each in its own thread with a deadline, so that nothing can hang the whole."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Level = str
"""ok, warn or fail."""

Look = Callable[[], Iterable["Finding"]]


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it stands, and what to do about it (empty where nothing is to do)."""

    name: str
    level: Level
    text: str
    todo: str = ""

    def __str__(self) -> str:
        return f"{self.level:<4} {self.name}: {self.text}" + (f" -> {self.todo}" if self.todo else "")


@dataclass(frozen=True)
class Check:
    """A check and how long it may take."""

    name: str
    look: Look
    deadline_s: float = 10.0


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", text)


def warn(name: str, text: str, todo: str) -> Finding:
    return Finding(name, "warn", text, todo)


def fail(name: str, text: str, todo: str) -> Finding:
    return Finding(name, "fail", text, todo)


def examine(checks: Iterable[Check]) -> list[Finding]:
    """The findings of every check, in the order given. One that is not done by its deadline is a failure of its own."""
    running = [(check, _start(check)) for check in checks]
    return [finding for check, run in running for finding in run.result(check)]


class _Run:
    def __init__(self, check: Check) -> None:
        self._findings: list[Finding] = []
        self._thread = threading.Thread(target=self._work, args=(check,), name=f"doctor-{check.name}", daemon=True)
        self._thread.start()

    def _work(self, check: Check) -> None:
        try:
            for finding in check.look():
                self._findings.append(finding)
        except Exception as error:  # noqa: BLE001  (a thread's root: a check that breaks is a finding, not the end of the others)
            self._findings.append(fail(check.name, f"the check itself failed: {type(error).__name__}: {error}", "report this"))

    def result(self, check: Check) -> list[Finding]:
        self._thread.join(check.deadline_s)
        found = list(self._findings)
        if self._thread.is_alive():
            found.append(fail(check.name, f"no answer within {check.deadline_s:g} s", "see whether it hangs, then ask again"))
        return found


def _start(check: Check) -> _Run:
    return _Run(check)
