"""`rfidguard sim reader`: a simulated LLRP reader on a TCP port, playing a journal."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from rfidguard.errors import ConfigError

if TYPE_CHECKING:
    from simulators.llrp_reader.reader import SimReader


def register(sim: typer.Typer) -> None:
    """Adds `reader` to the `sim` commands."""
    sim.command("reader")(reader)


def reader(
    port: Annotated[
        int, typer.Option("--port", help="TCP port to listen on; 0 takes a free one and says which.", min=0, max=65535)
    ],
    journal: Annotated[Path, typer.Option("--journal", metavar="FILE", help="Its `read` lines are played; .gz and .zst too.")],
    host: Annotated[str, typer.Option("--host", help="Address to listen on; :: or 0.0.0.0 for all.")] = "127.0.0.1",
    reader_id: Annotated[
        str | None, typer.Option("--reader", metavar="ID", help="Whose reads of the journal; default: the first reader in it.")
    ] = None,
    speed: Annotated[float, typer.Option("--speed", help="So many times as fast as it was recorded.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Start again when the journal is at its end.")] = False,
    generic: Annotated[bool, typer.Option("--generic", help="A reader without Impinj's extensions.")] = False,
    region: Annotated[str, typer.Option("--region", help="Frequencies: fcc (hopping) or etsi.")] = "fcc",
    antennas: Annotated[int, typer.Option("--antennas", help="Antenna ports.", min=1, max=255)] = 4,
    llrp_1_1: Annotated[bool, typer.Option("--llrp-1.1", help="Negotiates version 1.1 as well.")] = False,
    state_aware: Annotated[
        bool, typer.Option("--state-aware", help="Goes by Gen2's SL flag of each tag where a client asks it to.")
    ] = False,
    backlog: Annotated[
        int,
        typer.Option(
            "--backlog", metavar="TAGS", min=0, help="Keep so many reads for a client that is away and asked for hold; 0: lost."
        ),
    ] = 0,
    gpi: Annotated[
        str, typer.Option("--gpi", metavar="SCRIPT", help="Inputs, in seconds after the first inventory: 2.0:1=high,3.0:1=low")
    ] = "",
    faults: Annotated[Path | None, typer.Option("--faults", metavar="FILE", help="A TOML script of faults.")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="FAULT", help="One fault, for example 10:silent,seconds=5 or no_utc. Repeatable."),
    ] = None,
) -> None:
    """A simulated LLRP reader that plays a journal: for lab use, and for any LLRP client.

    Journal time starts with the first inventory and runs on while no client is there (those reads are lost); at the end
    the reader stays connected and silent. Timestamps are rebased to now. Antennas, report trigger and content selector
    of the client's ROSpec are obeyed. One client at a time. Ctrl-C ends it.

    Example: rfidguard simulate unpaid --out run && rfidguard sim reader --port 5084 --journal run/journal.jsonl --loop

    Faults: refuse, silent, drop, reboot, error, no_answer, keepalive_off, stays_ended, clock_offset, year_1970, no_utc, dribble,
    duplicate, omit_unchanged, unknown_parameter, unknown_message, short_parameter, antenna, overflow, exception.
    """
    from simulators.llrp_reader.reader import SimReader
    from simulators.llrp_reader.script import install, load_faults, parse_fault, parse_inputs
    from simulators.llrp_reader.source import JournalReads, Played

    _check(speed, region)
    lines = parse_inputs(gpi) + (load_faults(faults) if faults else []) + [parse_fault(text) for text in fault or ()]
    reads = JournalReads(journal, reader_id)
    _tell_choice(reads.readers, reads.reader, reader_id, reads.first_s / speed)
    simulated = SimReader(
        host,
        port,
        reads.reader,
        "generic" if generic else "impinj",
        Played(reads, speed, loop, reads.zero),
        region=region,
        antennas=antennas,
        state_aware=state_aware,
        keep_backlog=backlog > 0,
        buffer_tags=backlog or 66_000,
        max_version=2 if llrp_1_1 else 1,
        announce=_say,
    )
    install(lines, simulated)
    _run(simulated, host, port)
    if reads.refused:
        _say("journal lines refused: " + ", ".join(f"{count} {reason}" for reason, count in sorted(reads.refused.items())))


def _check(speed: float, region: str) -> None:
    problems = []
    if not speed > 0:
        problems.append(f"--speed: {speed} is not more than 0; 1 is as recorded, 10 ten times as fast")
    if region not in ("fcc", "etsi"):
        problems.append(f"--region: {region!r} is not one of fcc, etsi")
    if problems:
        raise ConfigError(problems)


def _tell_choice(readers: list[str], chosen: str, asked: str | None, first_s: float) -> None:
    others = [name for name in readers if name != chosen]
    if asked is None and others:
        _say(f"plays the reads of {chosen}; the journal also holds {', '.join(others)} (choose with --reader)")
    if first_s >= 1:
        _say(f"the first read comes {first_s:.1f} s after the first inventory")


def _run(simulated: "SimReader", host: str, port: int) -> None:
    """Runs until SIGINT or SIGTERM."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    try:
        simulated.start()
    except OSError as error:
        simulated.stop()
        raise ConfigError([f"cannot listen on {host} port {port}: {error.strerror or error}"]) from error
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    ended.wait()
    simulated.stop()


def _say(text: str) -> None:
    print(text, flush=True)
