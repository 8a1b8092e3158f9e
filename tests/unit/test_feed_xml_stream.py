"""XML from outside: bounded, without document types, whatever the names' prefixes."""

from collections.abc import Iterator

import pytest

from rfidguard.errors import RefusedInput
from rfidguard.feeds.xml_stream import Element, elements, root_name

WANTED = frozenset(["a"])
BOMB = (
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>'
    "<r><a>&c;</a></r>"
)


def endless(start: bytes) -> Iterator[bytes]:
    """A hundred megabytes of the same letter."""
    yield start
    yield from (b"x" * 100_000 for _ in range(1_000))


def all_of(document: bytes) -> list[Element]:
    return list(elements([document], WANTED))


def test_wanted_elements_come_whole_with_local_names() -> None:
    (found,) = all_of(b"<r xmlns:p='urn:p'>\n<p:a p:k='1'> x <b>y</b><b/><c><a>z</a></c></p:a></r>")
    assert (found.name, found.line, found.attributes, found.text) == ("a", 2, {"k": "1"}, "x")
    assert (found.value("b"), len(found.all("b")), [deep.text for deep in found.deep("a")]) == ("y", 2, ["z"])


def test_each_is_given_as_soon_as_it_is_complete() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"<r><a>1</a><a>2</a>"
        yield b"</r> and no more"

    stream = elements(pieces(), WANTED)
    assert [next(stream).text, next(stream).text] == ["1", "2"]
    with pytest.raises(RefusedInput, match="line 1, column"):
        next(stream)


def test_what_is_not_kept_is_dropped_with_all_that_is_in_it() -> None:
    (found,) = elements([b"<a><b><c><b>no</b></c>yes</b><c/></a>"], WANTED, frozenset(["b"]).__contains__)
    assert [(child.name, child.text, child.children) for child in found.children] == [("b", "yes", [])]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (BOMB.encode(), "document_type"),
        (b'<!DOCTYPE r SYSTEM "http://192.0.2.1/x.dtd"><r/>', "document_type"),
        (b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><a>&x;</a></r>', "document_type"),
        (b"<r><a>&x;</a></r>", "bad_xml"),
        (b"<a>" * 100, "too_deep"),
        (b"<r><a>" + b"<b/>" * 300_000, "too_large"),
        (b"<r><a>", "bad_xml"),
        (b"", "bad_xml"),
        (b"\xff\xfe\x00", "bad_xml"),
        (b"<?xml version='1.0' encoding='utf-7'?><r/>", "bad_xml"),
        (b"<?xml version='1.0' encoding='no-such'?><r/>", "bad_xml"),
        (b"<r><a></b></r>", "bad_xml"),
    ],
)
def test_what_is_no_plain_xml_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        all_of(document)
    assert refused.value.reason == reason


@pytest.mark.parametrize("start", [b"<r><a>", b"<r><a k='", b"<r><!-- ", b"<r><", b"<r><a><"])
def test_a_hundred_megabytes_in_one_piece_are_refused_before_they_are_kept(start: bytes) -> None:
    with pytest.raises(RefusedInput) as refused:
        list(elements(endless(start), WANTED))
    assert refused.value.reason == "too_large"


@pytest.mark.parametrize(
    ("start", "name"), [(b"<?xml version='1.0'?>\n<p:POSLog x", None), (b"<p:POSLog x='1'><b", "POSLog"), (b"{", None)]
)
def test_the_first_bytes_tell_the_outermost_name(start: bytes, name: str | None) -> None:
    assert root_name(start) == name
