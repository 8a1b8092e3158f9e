"""The course of `tune`: which cores are fed, in how many passes over the journal, and what comes of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rfidguard.errors import ConfigError

if TYPE_CHECKING:
    from rfidguard.cli._tune_history import History
    from rfidguard.config import Config
    from rfidguard.config_file import Source
    from rfidguard.events import Event
    from rfidguard.tuning.advice import Advice
    from rfidguard.tuning.evidence import Gathering
    from rfidguard.tuning.rung import Rung
    from rfidguard.tuning.staff import Said, Words
    from rfidguard.tuning.trial import Outcome, Trial


@dataclass
class Site:
    """A site's configuration as written and as it is today, and its history. `about`: what the history came to, for people and
    programs; there after the first replay.
    """

    source: "Source"
    today: "Config"
    history: "History"
    about: dict[str, Any]

    def with_settings(self, texts: Sequence[str]) -> "Config":
        """Today's configuration with other settings. Raises ConfigError, said as of a mistake in the file."""
        from rfidguard.config_file import validated
        from rfidguard.tuning.settings import applied, not_shown, setting

        try:
            settings = [setting(text, self.source.data) for text in texts]
        except ValueError as error:
            raise ConfigError([f"--set {error}"]) from None
        blind = [f"--set {one.text}: {why}" for one in settings if (why := not_shown(one)) is not None]
        data, wrong = applied(self.source.data, settings)
        if blind or wrong:
            raise ConfigError([*blind, *(f"--set {found}" for _, found in wrong)])
        origins = self.source.origins | {one.path: f"--set {one.text}" for one in settings}
        return validated(replace(self.source, data=data, origins=origins))


def what_if(site: Site, texts: tuple[str, ...]) -> "Trial":
    """One pass: today's settings beside the changed ones."""
    from rfidguard.tuning.compare import compare
    from rfidguard.tuning.trial import Trial

    said: dict[str, Said] = {}
    configs = [site.today, site.with_settings(texts)]
    before, after = site.history.replay(configs, "replaying with both settings", _answers_to(said))
    words = _joined(site, before, said)[0]
    return Trial(texts, "", compare(before, after, words))


def proposals(site: Site) -> "tuple[Outcome, tuple[str, ...]]":
    """What is proposed, and what was rehearsed. One pass for evidence, one for proof, a third where a proposal was withdrawn."""
    from rfidguard.tuning.evidence import Gathering
    from rfidguard.tuning.proposers import proposals as proposed
    from rfidguard.tuning.trial import Outcome, rehearsal, to_be_tried

    rehearsed = rehearsal(site.today)
    gathering, said = Gathering(), dict[str, "Said"]()
    configs = [site.with_settings(rehearsed), site.today] if rehearsed else [site.today]
    heard = _both(_answers_to(said), gathering)
    runs = site.history.replay(configs, "looking for evidence", heard, gathering.decided)
    words, full_count = _joined(site, runs[-1], said)
    evidence = gathering.evidence(runs[0], words, full_count)
    advice = proposed(evidence, site.today)
    silent = [one for one in advice if not one.settings]
    proof = _Proof(site, rehearsed, runs, words)
    trials = proof.of(to_be_tried(advice))
    return Outcome(trials, silent, proof.together(trials)), rehearsed


class _Proof:
    """Replays proposals. Each is compared with the run in which its evidence was found, going live with today's."""

    def __init__(self, site: Site, rehearsed: tuple[str, ...], runs: "list[list[Rung]]", words: "Words") -> None:
        self._site = site
        self._rehearsed = rehearsed
        self._base, self._today = runs[0], runs[-1]
        self._words = words
        self._all: list[Rung] = []

    def of(self, advice: "Sequence[Advice]") -> "list[Trial]":
        """Every proposal by itself, and all at once, in one pass."""
        from rfidguard.tuning.compare import compare
        from rfidguard.tuning.trial import Trial

        if not advice:
            return []
        everything = tuple(text for one in advice for text in one.settings)
        *runs, self._all = self._runs([*(self._start(one) + one.settings for one in advice), everything])
        return [
            Trial(one.settings, one.why, compare(self._today if self._goes_live(one) else self._base, run, self._words))
            for one, run in zip(advice, runs, strict=True)
        ]

    def together(self, trials: "list[Trial]") -> "Trial | None":
        """What all that stand do at once, from today's settings on. None for fewer than two."""
        from rfidguard.tuning.compare import compare
        from rfidguard.tuning.trial import Trial, settings_of

        standing = [trial for trial in trials if trial.stands()]
        if len(standing) < 2:
            return None
        settings = settings_of(standing)
        run = self._all if len(standing) == len(trials) else self._runs([settings])[0]
        return Trial(settings, "", compare(self._today, run, self._words))

    def _start(self, advice: "Advice") -> tuple[str, ...]:
        return () if self._goes_live(advice) else self._rehearsed

    def _goes_live(self, advice: "Advice") -> bool:
        return any(text.partition("=")[0] == own.partition("=")[0] for text in advice.settings for own in self._rehearsed)

    def _runs(self, tried: Sequence[tuple[str, ...]]) -> "list[list[Rung]]":
        return self._site.history.replay([self._site.with_settings(texts) for texts in tried], "proving by shadow replay")


def _answers_to(said: "dict[str, Said]") -> "Any":
    from rfidguard.tuning.staff import note_answer

    return lambda event: note_answer(said, event)


def _both(heard: Any, gathering: "Gathering") -> Any:
    def take(event: "Event") -> None:
        heard(event)
        gathering.heard(event)

    return take


def _joined(site: Site, before: "list[Rung]", said: "dict[str, Said]") -> "tuple[Words, bool]":
    """What is known of the alarms' causes: the database's word, the journal's, and how they ended in the replay."""
    from rfidguard.cli._tune_history import from_database
    from rfidguard.tuning.rung import SILENT
    from rfidguard.tuning.staff import Said, Words, said_in

    began, ended = site.history.span()
    live, full_count = from_database(site.today, began, ended)
    replayed = {rung.id: Said(rung.outcome) for rung in before if rung.outcome is not None}
    words = Words(said_in(live), said, replayed)
    told = [rung for rung in before if rung.sound > SILENT]
    site.about |= _about(site.history, told, words)
    rang = {alarm.id for alarm in live if alarm.told and not alarm.drill}
    site.about |= {"live": len(rang), "repeated": len(rang & {rung.id for rung in told})}
    return words, full_count


def _about(history: "History", told: "list[Rung]", words: "Words") -> dict[str, Any]:
    from rfidguard.tuning.staff import CLASSES

    began, ended = history.span()
    meanings = Counter(words.of(rung).meaning for rung in told)
    return {
        "from": began,
        "to": ended,
        "files": len(history.paths),
        "events": history.events,
        "alarms": len(told),
        "said": {name: meanings[name] for name in CLASSES},
        "refused": dict(history.refused),
    }
