"""What `tune` shows people: tables on the screen, the fragment of TOML."""

import sys
from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from rfidguard.cli._database import local_text

if TYPE_CHECKING:
    from rich.table import Table

    from rfidguard.tuning.compare import Difference
    from rfidguard.tuning.trial import Outcome, Trial

_PIPE_WIDTH = 160
MOST_ALARMS = 30


class Screen:
    """Where people read: the terminal's width, else one that fits a file."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)

    def say(self, text: str = "", style: str | None = None) -> None:
        """A line of text as it is: a key like gate[front] is no markup."""
        self._console.print(text, markup=False, style=style, soft_wrap=not sys.stdout.isatty())

    def table(self, table: "Table") -> None:
        self._console.print(table)


def show_head(screen: Screen, about: dict[str, Any], zone: tzinfo) -> None:
    """Which journal, what staff said, and how well the replay repeats what truly rang."""
    from rfidguard.tuning.words import CLASS_WORDS

    span = f"{local_text(about['from'], zone)} to {local_text(about['to'], zone)}"
    screen.say(f"Journal {span}: {about['files']} files, {about['events']:,} events.")
    said = ", ".join(f"{about['said'][name]} {word}" for name, word in CLASS_WORDS.items() if about["said"][name])
    screen.say(f"With today's settings {about['alarms']} alarms are told" + (f": {said}." if said else "."))
    if about["live"]:
        screen.say(f"Of {about['live']} alarms that were told then (database), the replay tells {about['repeated']} again.")
    if about["repeated"] < about["live"]:
        screen.say("The others came of other settings, of another version of the program, or of what the journal does not hold.")
    if about["refused"]:
        screen.say(f"Lines of the journal refused: {about['refused']}")


def show_what_if(screen: Screen, trial: "Trial", zone: tzinfo) -> None:
    """One comparison: counts, what they mean, and the alarms that differ."""
    from rfidguard.tuning.words import sentences

    screen.say()
    screen.say(f"With {', '.join(trial.settings)}", style="bold")
    screen.table(_counts(trial.differences))
    for text in sentences(trial.differences):
        screen.say(text)
    _show_alarms(screen, trial.differences, zone)


def show_proposals(screen: Screen, outcome: "Outcome", rehearsed: Sequence[str]) -> None:
    """Every proposal with its proof, what is not proposed and why, and what all would do together."""
    from rfidguard.tuning.words import sentences

    screen.say()
    if rehearsed:
        screen.say(
            f"This site only observes. The evidence is a rehearsal with {', '.join(rehearsed)}: nobody has seen its alarms."
        )
    if outcome.trials:
        screen.table(_proposals(outcome))
    else:
        screen.say("Nothing is proposed.")
    for advice in outcome.silent:
        screen.say(f"  {advice.about}: {advice.why}")
    if outcome.together is not None:
        screen.say()
        screen.say("All that stand, together: " + " ".join(sentences(outcome.together.differences)))
    if outcome.trials and not outcome.accepted():
        screen.say("Nothing of this should be rolled out.")


def _counts(differences: "Sequence[Difference]") -> "Table":
    from rich.table import Table

    from rfidguard.tuning.compare import DIFFERENCES, counts
    from rfidguard.tuning.words import CLASS_WORDS, KIND_WORDS

    found = counts(differences)
    table = Table("alarms", "all", *CLASS_WORDS.values(), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in DIFFERENCES:
        table.add_row(KIND_WORDS[kind], str(found[kind].total()), *(str(found[kind][name]) for name in CLASS_WORDS))
    return table


def _show_alarms(screen: Screen, differences: "Sequence[Difference]", zone: tzinfo) -> None:
    from rich.table import Table

    from rfidguard.tuning.compare import KEPT
    from rfidguard.tuning.words import change_words

    different = [difference for difference in differences if difference.kind != KEPT]
    if not different:
        return
    table = Table("alarm", "raised", "gate", "kind", "items", "outcome", "difference", box=None)
    for column in table.columns[:2]:
        column.no_wrap = True
    for difference in different[:MOST_ALARMS]:
        rung = difference.alarm
        table.add_row(
            rung.id, local_text(rung.raised_at, zone), rung.gate, rung.kind, str(len(rung.items)), difference.said.outcome or "",
            change_words(difference),
        )  # fmt: skip
    screen.say()
    screen.table(table)
    if len(different) > MOST_ALARMS:
        screen.say(f"… and {len(different) - MOST_ALARMS} more; --json FILE writes all of them.")


def _proposals(outcome: "Outcome") -> "Table":
    from rich.table import Table
    from rich.text import Text

    from rfidguard.tuning.words import sentences

    table = Table("proposal", "evidence", "shadow replay", box=None, padding=(0, 2, 1, 0))
    for trial in outcome.trials:
        withdrawn = "" if trial.stands() else "WITHDRAWN. "
        proof = withdrawn + " ".join(sentences(trial.differences))
        table.add_row(Text("\n".join(trial.settings)), Text(trial.why), Text(proof))
    return table
