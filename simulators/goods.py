"""Goods of a scene: articles become items, items become EPCs. Serials are drawn once each from the scene's own random source."""

from dataclasses import dataclass
from random import Random

from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.errors import ConfigError, RefusedInput
from simulators.scenario_parts import Article

_SERIAL_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
_SERIAL_LENGTH = 12


@dataclass(frozen=True)
class Item:
    """One thing with a tag. `own` is false for other makers' goods."""

    epc: str
    gtin: str
    article: Article
    own: bool


class Catalogue:
    """Makes items of the scenario's articles."""

    def __init__(self, articles: tuple[Article, ...], prefix: str, rng: Random) -> None:
        self._articles = {article.id: article for article in articles}
        self._prefix, self._rng = prefix, rng
        self._used: set[str] = set()

    @property
    def own_articles(self) -> tuple[str, ...]:
        return tuple(name for name, article in self._articles.items() if article.prefix is None)

    def new_item(self, name: str, where: str) -> Item:
        """A fresh item of article `name`. Raises ConfigError (naming `where`) for an unknown article or a number too long."""
        article = self._articles.get(name)
        if article is None:
            raise ConfigError([f"{where}: no article is called {name!r}; known: {', '.join(self._articles) or 'none'}"])
        try:
            epc = self._fresh(article)
        except RefusedInput as error:
            raise ConfigError([f"article {name}: {error}"]) from error
        return Item(epc, identify(epc).gtin or "", article, article.prefix is None)

    def _fresh(self, article: Article) -> str:
        while True:
            epc = self._encoded(article)
            if epc not in self._used:
                self._used.add(epc)
                return epc

    def _encoded(self, article: Article) -> str:
        item = str(int(article.item) + self._rng.randrange(article.variants)).zfill(len(article.item))
        short = encode_sgtin_96(article.prefix or self._prefix, item, self._rng.randrange(1, 1 << 37))
        if article.scheme == "sgtin-96":
            return short
        serial = "".join(self._rng.choice(_SERIAL_ALPHABET) for _ in range(_SERIAL_LENGTH))
        return _as_sgtin_198(short, serial)


def _as_sgtin_198(sgtin_96: str, serial: str) -> str:
    """Its SGTIN-198: header 0x36, the 50 bits of filter to item reference, 20 characters of 7 bits, 2 of padding."""
    article_bits = int(sgtin_96, 16) >> 38 & (1 << 50) - 1
    serial_bits = 0
    for character in serial.ljust(20, "\0"):
        serial_bits = serial_bits << 7 | ord(character)
    return f"{(0x36 << 190 | article_bits << 140 | serial_bits) << 2:050X}"
