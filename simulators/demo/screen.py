"""What the demo shows while it runs: a live page on a terminal, plain lines anywhere else."""

import threading
from collections import deque
from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

LINES = 18


class Screen:
    """`say` adds a line, `status` gives the head of the page (called a few times a second). Both from any thread."""

    def __init__(self, title: str, status: Callable[[], str], console: Console | None = None) -> None:
        self.console = console or Console()
        self._title = title
        self._status = status
        self._lines: deque[str] = deque(maxlen=LINES)
        self._lock = threading.Lock()
        self._live = Live(get_renderable=self._page, console=self.console, refresh_per_second=6, transient=True)
        self._shows_live = self.console.is_terminal

    def start(self) -> None:
        if self._shows_live:
            self._live.start()
        else:
            self.console.print(self._title, highlight=False)

    def stop(self) -> None:
        if self._shows_live:
            self._live.stop()
            for line in self._lines:
                self.console.print(Text.from_markup(line))

    def say(self, second: float, who: str, text: str, style: str = "") -> None:
        """One line: when, who, what. `style`: of rich, for what matters."""
        line = f"[dim]{second:6.1f}[/dim]  [cyan]{escape(who):<10}[/cyan] " + (
            f"[{style}]{escape(text)}[/{style}]" if style else escape(text)
        )
        with self._lock:
            self._lines.append(line)
            if not self._shows_live:
                self.console.print(Text.from_markup(line), soft_wrap=True)

    def _page(self) -> Group:
        with self._lock:
            body = Text.from_markup("\n".join(self._lines))
        return Group(Panel(Text(self._status()), title=self._title, title_align="left"), body)
