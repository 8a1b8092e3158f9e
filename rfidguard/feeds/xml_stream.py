"""XML from outside, in bounded memory: the elements with some names come out whole, one by one, everything else is passed over.

No document type, so no entity, is ever accepted. Names are local: prefixes and namespaces do not matter.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from xml.parsers import expat

import msgspec

from rfidguard.errors import RefusedInput

MAX_DEPTH = 64
MAX_ELEMENTS = 200_000
MAX_TEXT = 8_000_000
MAX_TOKEN_BYTES = 1_000_000
CHUNK_BYTES = 65_536


class Element(msgspec.Struct, gc=False):
    """One element: local name, attributes by local name, text of its own, children. A tree, so the garbage collector, which
    took a third of the time, has nothing to find in it.
    """

    name: str
    line: int
    attributes: dict[str, str]
    children: list["Element"]
    text: str = ""

    def first(self, *names: str) -> "Element | None":
        """The first child with one of these names; an earlier name goes before a later one."""
        for name in names:
            for child in self.children:
                if child.name == name:
                    return child
        return None

    def all(self, *names: str) -> list["Element"]:
        """Every child with one of these names, in order."""
        return [child for child in self.children if child.name in names]

    def value(self, *names: str) -> str | None:
        """The text of the first child with one of these names that has any."""
        for name in names:
            for child in self.children:
                if child.name == name and child.text:
                    return child.text
        return None

    def deep(self, name: str) -> Iterator["Element"]:
        """Every element below with this name."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.deep(name)


_NO_CHILDREN: list[Element] = []
_NO_ATTRIBUTES: dict[str, str] = {}
"""Most elements have none: these are shared, and never changed."""


def elements(chunks: Iterable[bytes], wanted: frozenset[str], keep: Callable[[str], object] = bool) -> Iterator[Element]:
    """Every outermost element with a `wanted` name, as soon as it is complete.

    `keep(name)`: whether an element below is kept; what is not kept is dropped unseen, with all that is in it.
    Raises RefusedInput: bad_xml (with line and column), document_type, too_deep, too_large.
    """
    reader = _Reader(wanted, keep)
    for chunk in chunks:
        for start in range(0, len(chunk), CHUNK_BYTES):
            yield from reader.feed(chunk[start : start + CHUNK_BYTES])
    yield from reader.feed(b"", last=True)


def root_name(start: bytes) -> str | None:
    """The local name of the outermost element of a document that begins so; None where there is none."""
    found: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _attributes: found.append(_local(name))
    with suppress(expat.ExpatError, ValueError, LookupError):
        parser.Parse(start)
    return found[0] if found else None


class _Reader:
    def __init__(self, wanted: frozenset[str], keep: Callable[[str], object]) -> None:
        self._wanted = wanted
        self._keep = keep
        self._open: list[Element] = []
        self._done: list[Element] = []
        self._depth = 0
        self._unseen = 0
        self._elements = 0
        self._text = 0
        self._fed = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, chunk: bytes, last: bool = False) -> list[Element]:
        self._fed += len(chunk)
        try:
            self._parser.Parse(chunk, last)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise RefusedInput("bad_xml", f"this is not XML: {error}") from error
        if self._fed - max(self._parser.CurrentByteIndex, 0) > MAX_TOKEN_BYTES:
            raise RefusedInput("too_large", f"a tag or comment of more than {MAX_TOKEN_BYTES} bytes{self._place()}")
        done, self._done = self._done, []
        return done

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RefusedInput("too_deep", f"elements nested more than {MAX_DEPTH} deep{self._place()}")
        if self._unseen:
            return
        name = _local(name)
        if not self._open:
            if name not in self._wanted:
                return
            self._elements = self._text = 0
        elif not self._keep(name):
            self._unseen = self._depth
            return
        self._count(name, attributes)
        own = {_local(key): value for key, value in attributes.items()} if attributes else _NO_ATTRIBUTES
        element = Element(name, self._parser.CurrentLineNumber, own, _NO_CHILDREN)
        if self._open:
            parent = self._open[-1]
            if parent.children is _NO_CHILDREN:
                parent.children = [element]
            else:
                parent.children.append(element)
        self._open.append(element)

    def _count(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._text += len(name) + (sum(map(len, attributes.values())) if attributes else 0)
        if self._elements > MAX_ELEMENTS or self._text > MAX_TEXT:
            raise RefusedInput("too_large", f"{self._open[0].name if self._open else name} is too large{self._place()}; split it")

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._unseen:
            if self._depth < self._unseen:
                self._unseen = 0
            return
        if self._open:
            element = self._open.pop()
            element.text = element.text.strip()
            if not self._open:
                self._done.append(element)

    def _data(self, text: str) -> None:
        if self._unseen or not self._open:
            return
        self._text += len(text)
        if self._text > MAX_TEXT:
            raise RefusedInput("too_large", f"{self._open[0].name} is too large{self._place()}; split it")
        self._open[-1].text += text

    def _doctype(self, *_: object) -> None:
        raise RefusedInput("document_type", "the document declares a document type (DOCTYPE); send it without")

    def _place(self) -> str:
        return f" (line {self._parser.CurrentLineNumber})"


@lru_cache(maxsize=4096)
def _local(name: str) -> str:
    return name[name.rfind(":") + 1 :]
