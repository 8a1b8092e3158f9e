"""The section [chain]: sales shared with other boxes. Apart from config.py only to keep that file short."""

import platform
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rfidguard.errors import RfidguardError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", max_length=64)]


def _this_box() -> str:
    """The host's name, as far as a name may be so."""
    return re.sub("[^a-z0-9-]+", "-", platform.node().lower())[:64].strip("-") or "box"


class Chain(BaseModel):
    """Where sales are shared and which ones. Boxes with one `site.id` share all they know; other shops only what was sold."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str | None = None
    """postgresql+psycopg://HOST/NAME, or nats://HOST:PORT (tls:// for TLS)."""
    url_file: Path | None = None
    """A file with the address, where it holds a password."""
    ca_file: Path | None = None
    """Of NATS: the authority that signed the server's certificate."""
    box: Name = Field(default_factory=_this_box)
    """This box's own name; each box of a site needs another. Not given: the host's."""
    region: Name = "all"
    """The region under which this shop's sales are told."""
    hear: tuple[Name | Literal["*"], ...] = ("*",)
    """The regions whose sales are kept here; none: only asked for item by item."""
    every_s: float = Field(1.0, ge=0.2, le=3600)
    """How often the centre is asked for news."""
    ask_s: float = Field(0.3, ge=0, le=10)
    """How long the centre has to say what it knows of an item that is unknown here; 0: it is never asked."""
    answer: bool = False
    """Of NATS: this box answers such questions of others. It has to hear all regions."""
    vital: bool = False
    """While the centre is silent the ledger is not believed (`ledger.on_stale`): for shops whose tills tell another box."""
    history_days: int = Field(400, ge=0, le=36_500)
    """How much of what was known before is told when a box joins."""

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("needs url, or url_file where it holds a password, and not both")
        if self.answer and "*" not in self.hear:
            raise ValueError('answer = true needs hear = ["*"]: who answers has to know every sale')
        return self

    def address(self) -> str:
        """The centre's address. Raises RfidguardError where its file cannot be read."""
        if self.url is not None:
            return self.url
        try:
            return (self.url_file or Path()).read_text("utf-8").strip()
        except OSError as error:
            raise RfidguardError(f"chain.url_file: {self.url_file} cannot be read: {error}") from error
