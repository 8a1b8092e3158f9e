"""The course of a tuning: what is replayed with what, which proposals stand the proof, and what all of them do together. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rfidguard.config import Config
from rfidguard.tuning.advice import Advice
from rfidguard.tuning.compare import Difference, hidden

REHEARSED_MODE = "handheld"


class Trial(msgspec.Struct, frozen=True):
    """Settings, as KEY=VALUE, why they are tried, and what a replay with them did differently."""

    settings: tuple[str, ...]
    why: str
    differences: list[Difference]

    def stands(self) -> bool:
        """False where it would have hidden what staff called right: then it is no proposal."""
        return not hidden(self.differences)


class Outcome(msgspec.Struct, frozen=True):
    """What a site's history speaks for. `silent`: what nothing is proposed for, and why. `together`: all that stand, at once."""

    trials: list[Trial]
    silent: list[Advice]
    together: Trial | None = None

    def standing(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.stands()]

    def accepted(self) -> tuple[str, ...]:
        """The settings to be rolled out: those that stand by themselves, as long as they stand together, too."""
        if self.together is not None and not self.together.stands():
            return ()
        return tuple(text for trial in self.standing() for text in trial.settings)


def rehearsal(config: Config) -> tuple[str, ...]:
    """The settings under which a site that only observes would ring, so that there is something to learn from; else ()."""
    goods = ("ledger.unknown_epc=stock_only",) if config.ledger.unknown_epc == "observe" else ()
    gates = tuple(f"gate[{gate.id}].mode={REHEARSED_MODE}" for gate in config.gate if gate.mode == "observe")
    return (*goods, *gates)


def to_be_tried(advice: Sequence[Advice]) -> list[Advice]:
    return [one for one in advice if one.settings]


def settings_of(trials: Sequence[Trial]) -> tuple[str, ...]:
    """All of them at once."""
    return tuple(text for trial in trials for text in trial.settings)


def trial_message(trial: Trial, compared: dict[str, Any]) -> dict[str, Any]:
    """A trial as a JSON object; `compared`: its comparison as one."""
    return {"settings": list(trial.settings), "why": trial.why, "stands": trial.stands(), **compared}
