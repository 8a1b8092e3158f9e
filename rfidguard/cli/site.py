"""`rfidguard site`: the state of the shop by hand."""

from functools import partial
from typing import Annotated

import typer

from rfidguard.cli import ConfigOption
from rfidguard.cli._database import loaded, local_text, opened


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(no_args_is_help=True, help="The state of the shop: opening hours, stock counts.")
    group.command("show")(_show)
    group.command("count")(_count)
    app.add_typer(group, name="site")


def _show(config: ConfigOption) -> None:
    """Tell whether the shop is open by its hours, and whether stock is being counted.

    Example: rfidguard site show
    """
    from rfidguard.site_state import SiteHours, count_until, site_lines

    settings = loaded(config)
    zone = settings.site.zone()
    with opened(settings) as (store, clock):
        until = store.read(count_until)
        print("\n".join(site_lines(SiteHours(settings.site), clock.now(), until, lambda at: local_text(at, zone))))


def _count(
    config: ConfigOption,
    hours: Annotated[float, typer.Option("--hours", min=0.1, max=24.0, help="When it is over at the latest.")] = 4.0,
    end: Annotated[bool, typer.Option("--end", help="The count is over.")] = False,
) -> None:
    """Tell the gates that stock is being counted: staff carry goods about, so gates watch and do not ring.

    A running daemon hears of it within a second or two. The same over MQTT: cmd/stock_count and cmd/stock_count_end.

    Example: rfidguard site count --hours 3

    Example: rfidguard site count --end
    """
    from rfidguard.site_state import begin_count, end_count

    settings = loaded(config)
    with opened(settings) as (store, clock):
        if end:
            store.write(partial(end_count, now=clock.now())).result()
            print("the stock count is over")
            return
        until = store.write(partial(begin_count, now=clock.now(), seconds=hours * 3600.0)).result()
    print(f"stock is being counted until {local_text(until, settings.site.zone())}; end it with: rfidguard site count --end")
