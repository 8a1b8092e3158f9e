"""Runs suites of simulated scenes in parallel processes, with a progress bar, and tells what they came to."""

import json
import multiprocessing
import os
import platform
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rfidguard.errors import ConfigError

if TYPE_CHECKING:
    from rfidguard.suite_report import SuiteResult
    from rfidguard.tally import Tally

    Outcome = dict[str, Tally]

BASELINE_CHOICES = ("any", "level", "moved", "all", "none")


def run_suites(
    names: list[str], seeds: str, scenes: int, jobs: int, baselines: tuple[str, ...], cache: Path | None
) -> list["SuiteResult"]:
    """Every scene of every suite. The figures do not depend on `jobs`."""
    from rfidguard.suite_report import SuiteResult
    from simulators.suites import seeds_of, suite

    numbers = seeds_of(seeds, scenes)
    wanted = [suite(name) for name in dict.fromkeys(names)]
    work = [(entry.name, seed) for entry in wanted for seed in numbers]
    outcomes = _all_done(work, jobs, baselines, cache)
    return [
        SuiteResult(entry.name, entry.about, numbers, _summed([outcomes[entry.name, seed] for seed in numbers]))
        for entry in wanted
    ]


def chosen_baselines(name: str) -> tuple[str, ...]:
    """What --baseline stands for. Raises ConfigError."""
    if name not in BASELINE_CHOICES:
        raise ConfigError([f"--baseline {name!r}: one of {', '.join(BASELINE_CHOICES)}"])
    return {"all": ("any", "level", "moved"), "none": ()}.get(name, (name,))


def made_by(seeds: str, command: str, results: list["SuiteResult"]) -> dict[str, Any]:
    """Where figures come from: program, machine, day, data."""
    from rfidguard import __version__
    from rfidguard.alarm import utc_text
    from rfidguard.clock import SystemClock
    from simulators.scene_cache import fingerprint
    from simulators.suites import is_held_back

    held = {is_held_back(seed) for result in results for seed in result.seeds}
    return {
        "version": __version__,
        "date": utc_text(SystemClock().now())[:10],
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "seeds": seeds,
        "held_back": "held back" if held == {True} else "used for tuning" if held == {False} else "partly used for tuning",
        "data": f"simulated, simulator {fingerprint()}",
        "command": command,
    }


def save(document: dict[str, Any], path: Path) -> None:
    """Writes the document. Raises ConfigError where that is impossible."""
    try:
        path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ConfigError([f"--save {path}: cannot be written: {error.strerror}"]) from error


def _all_done(
    work: list[tuple[str, int]], jobs: int, baselines: tuple[str, ...], cache: Path | None
) -> dict[tuple[str, int], "Outcome"]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from simulators.trial import run_trial

    columns = (
        TextColumn("scenes"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    done: dict[tuple[str, int], Outcome] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(work))
        if jobs == 1:
            for name, seed in work:
                done[name, seed] = run_trial(name, seed, baselines, cache)
                bar.advance(task)
            return done
        # Fresh processes: a fork would copy the threads of the progress bar half-way through.
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
            pending: dict[Future[Outcome], tuple[str, int]] = {
                pool.submit(run_trial, name, seed, baselines, cache): (name, seed) for name, seed in work
            }
            try:
                for future in as_completed(pending):
                    done[pending[future]] = future.result()
                    bar.advance(task)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return done


def _summed(outcomes: list["Outcome"]) -> "Outcome":
    from rfidguard.tally import Tally

    return {system: sum((outcome[system] for outcome in outcomes), Tally()) for system in outcomes[0]}
