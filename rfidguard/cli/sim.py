"""`rfidguard sim …`: one simulated device on its real wire, for lab use and for outside clients."""

import importlib
import importlib.util

import typer

COMMANDS = (
    "simulators.llrp_reader.command",
    "simulators.pedestal_command",
    "simulators.pos_command",
    "simulators.handheld_command",
)
"""Modules with `register(sim)`; each adds one command."""


def register(app: typer.Typer) -> None:
    """Adds `sim` and its subcommands."""
    sim = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="One simulated device on its real wire: LLRP reader on a TCP port, pedestal on a serial line, till, handheld.",
        epilog="Example: rfidguard sim reader --port 5084 --journal run/journal.jsonl --loop",
    )
    sim.callback()(_sim)
    for name in COMMANDS:
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name).register(sim)
    app.add_typer(sim, name="sim")


def _sim() -> None:
    """Keeps `sim` a group however few commands it has."""
