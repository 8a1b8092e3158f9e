"""`rfidguard ledger`: the sold-items ledger by hand."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rfidguard.cli import ConfigOption
from rfidguard.cli._database import loaded, local_text, opened

if TYPE_CHECKING:
    from rfidguard.feeds.ledger_import import ImportResult


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(no_args_is_help=True, help="The ledger of what was sold. Works with the daemon running or stopped.")
    for name, command in (
        ("status", _status),
        ("lookup", _lookup),
        ("import", _import),
        ("export", _export),
        ("fold", _fold),
        ("refused", _refused),
    ):
        group.command(name)(command)
    app.add_typer(group, name="ledger")


def _status(config: ConfigOption, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """How much the ledger holds, from whom, how every feed and till stands, and how much of what passed the gates it knew.

    Says when it is time to go from `unknown_epc = "observe"` to "stock_only".

    Example: rfidguard ledger status
    """
    import json

    from rfidguard.ledger_status import ledger_status, status_lines, status_message

    settings = loaded(config)
    with opened(settings) as (store, clock):
        status = store.read(lambda conn: ledger_status(conn, settings, clock.now()))
    if as_json:
        print(json.dumps(status_message(status, settings.ledger), ensure_ascii=False, indent=2))
    else:
        print("\n".join(status_lines(status, settings.site.zone(), settings.ledger)))


def _lookup(
    config: ConfigOption,
    key: Annotated[str, typer.Argument(metavar="KEY", help="An EPC (hex), a GTIN, or GTIN.SERIAL.")],
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="As it was then, like 2026-11-22T10:14:02Z.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell an item's story in order of time: sales and alarms, and what the gate would answer if it were carried out now.

    States: sold (it may leave), armed, reserved (both ring), foreign (not ours), unknown (ours, but no record of it). What was
    seen being carried in (personal) only the running gates know; explain tells it.

    Example: rfidguard ledger lookup 3034257BF7194E4000001A85 --at 2026-11-22T10:14:02Z
    """
    import json

    from rfidguard.catalogue_db import own_gtins
    from rfidguard.cli._story import story_lines
    from rfidguard.credit_time import credit_time
    from rfidguard.feed_standing import standings
    from rfidguard.layout import layout_from
    from rfidguard.ledger_gate import alarm_message, alarms_of, at_the_gate, gate_message
    from rfidguard.ledger_story import named, story_message, story_of
    from rfidguard.walk_watch import known_walks

    settings = loaded(config)
    moment, identity = _moment(at), named(key)
    with opened(settings) as (store, clock):
        layout = layout_from(settings, store.read(own_gtins))
        when = clock.now() if moment is None else moment
        ttl_s = credit_time(store.read(known_walks), settings.ledger).seconds
        story = store.read(lambda conn: story_of(conn, key, layout, when, ttl_s))
        alarms = store.read(lambda conn: alarms_of(conn, identity, when))
        sources = store.read(lambda conn: standings(conn, settings, when)) if moment is None else []
    verdict = at_the_gate(layout, story, {one.name: one.stale for one in sources if one.stale is not None})
    if as_json:
        told = {**story_message(story), "gate": gate_message(verdict), "alarms": [alarm_message(one, identity) for one in alarms]}
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        print("\n".join(story_lines(story, alarms, verdict, settings.site.zone())))


def _import(
    config: ConfigOption,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV, POSLog, EPCIS, journal (.jsonl); .gz, .zst.")],
    stock: Annotated[
        str | None, typer.Option("--stock", metavar="full|cyclic", help="The files are stock counts, of all or of a part.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="When the count was made; else the file's time.")] = None,
) -> None:
    """Take sales, stock counts and articles from files, told apart by content. What is known already changes nothing.

    CSV needs a header that names `epc` or `gtin`; `serial`, `quantity` (negative: a return), `kind` (sold by default), `at`,
    `transaction`, `lane`, `source` and `id` may stand beside it. Times without zone are the shop's. Of POSLog and EPCIS what can
    carry no tag (weighed goods, PLU and in-store numbers) or is no sale is passed over, and counted.
    Articles are CSV with a `gtin` and any of `name`, `price`, `department`, `picture`; alarms then show them, and their goods are
    own goods. A stock count is a list of EPCs, one a line, or CSV or JSON lines with an `epc` and where or when it was seen (any
    list of EPCs with --stock). What it counts is armed from then on; what was sold since stays sold.
    Exit 1 if anything was rejected.

    Example: rfidguard ledger import --stock full count-2026-11-22.csv

    Example: rfidguard ledger import articles.csv opening-stock.csv sales-2026-11-22.csv poslog-2026-11-22.xml
    """
    from rfidguard.catalogue_import import CatalogueResult, import_articles, import_stock, kind_of, note_import
    from rfidguard.errors import ConfigError
    from rfidguard.feeds.ledger_import import ImportResult, import_file

    if stock not in (None, "full", "cyclic"):
        raise ConfigError([f"--stock is full or cyclic, not {stock!r}"])
    settings, made_at = loaded(config), _moment(at)
    result, taken, zone = ImportResult(), CatalogueResult(), settings.site.zone()
    with opened(settings) as (store, clock), _progress(files) as advance:
        for number, path in enumerate(files):
            kind = "stock" if stock else kind_of(path)
            if kind == "articles":
                import_articles(store, path, clock.now(), result, taken, advance(number))
            elif kind == "stock":
                import_stock(store, path, stock or "cyclic", made_at, zone, clock.now(), result, taken, advance(number))
            else:
                import_file(store, path, zone, clock.now(), result, advance(number))
        note_import(store, clock.now())
    if taken.articles:
        print(f"{taken.articles} articles, {taken.new} of them new")
    if taken.counted:
        print(f"{taken.counted} items counted in stock, {taken.armed} of them not known of this count before")
    _report(result)
    if result.rejected:
        raise typer.Exit(1)


def _export(config: ConfigOption) -> None:
    """Print every record as a journal `ledger` line, oldest first: for `replay --ledger`, another box, or a look.

    Example: rfidguard ledger export --config shop.toml > ledger.jsonl
    """
    from rfidguard.journal import encode_line
    from rfidguard.ledger_db import export_records

    with opened(loaded(config)) as (store, _):
        store.read(lambda conn: sys.stdout.buffer.writelines(map(encode_line, export_records(conn))))
    sys.stdout.buffer.flush()


def _fold(
    config: ConfigOption,
    days: Annotated[
        int | None, typer.Option("--older-than", metavar="DAYS", min=30, help="Instead of ledger.fold_after_days.")
    ] = None,
) -> None:
    """Let old records go: of each item its last state stays, for good, and what was folded is still known when it is sent again.

    The daemon does so by itself once a day (ledger.fold_after_days, 400 by default). What is folded can no longer be told as a
    story, and a void of it undoes nothing: a return does.

    Example: rfidguard ledger fold --older-than 400
    """
    from rfidguard.errors import ConfigError
    from rfidguard.ledger_fold import fold

    settings = loaded(config)
    older = days or settings.ledger.fold_after_days
    if not older:
        raise ConfigError(["ledger.fold_after_days is 0, nothing is to be folded; say --older-than DAYS"])
    with opened(settings) as (store, clock):
        done = fold(store, older, clock.now())
    print(f"{done.records} records folded, all from before {local_text(done.before, settings.site.zone())}")


def _refused(
    config: ConfigOption,
    source: Annotated[str | None, typer.Option("--source", help="Of one feed or till only, as ledger status calls it.")] = None,
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, max=1000, help="So many of the newest.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """What was sent and could not be used, with the reason: who looks for a lost sale finds it here. The newest come last.

    Example: rfidguard ledger refused --source erp --last 5
    """
    import json

    import msgspec

    from rfidguard.alarm import utc_text
    from rfidguard.dead_letter import newest_letters

    settings = loaded(config)
    with opened(settings) as (store, _):
        letters = store.read(lambda conn: newest_letters(conn, source, last))
    if as_json:
        told = [{**msgspec.to_builtins(letter), "at": utc_text(letter.at)} for letter in letters]
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return
    zone = settings.site.zone()
    for letter in letters:
        print(f"{local_text(letter.at, zone)}  {letter.source}  {letter.reason}: {letter.detail.replace(chr(10), '; ')}")
    if not letters:
        print("nothing was refused")


def _moment(text: str | None) -> float | None:
    from rfidguard.errors import ConfigError
    from rfidguard.rfc3339 import unix_seconds

    try:
        return None if text is None else unix_seconds(text)
    except ValueError as error:
        raise ConfigError([f"--at {error}"]) from error


@contextmanager
def _progress(files: list[Path]) -> "Iterator[Callable[[int], Callable[[int], None]]]":
    """A bar on standard error; gives for each file the function that hears how many bytes of it are done."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = [bar.add_task(path.name, total=path.stat().st_size if path.is_file() else 0) for path in files]
        yield lambda number: lambda done: bar.update(tasks[number], completed=done)


def _report(result: "ImportResult") -> None:
    from rfidguard.feeds.ledger_import import rejects

    for line in result.first_rejects:
        print(line, file=sys.stderr)
    total = result.rejected.total()
    if total > len(result.first_rejects):
        print(f"… and {total - len(result.first_rejects)} more", file=sys.stderr)
    reasons = f" ({', '.join(rejects(result))})" if total else ""
    passed = f", {result.passed} lines passed over that are no ledger lines" if result.passed else ""
    if result.passed_over:
        over = ", ".join(f"{count} {reason}" for reason, count in result.passed_over.most_common())
        passed += f", {result.passed_over.total()} passed over ({over})"
    print(f"{result.stored} stored, {result.duplicate} duplicate, {total} rejected{reasons}{passed}")
