"""The words of GS1's Core Business Vocabulary 2.0, in all four spellings, and what they mean to a shop's ledger. Pure.

One word: retail_sold · cbv:Disp-retail_sold · urn:epcglobal:cbv:disp:retail_sold · https://ref.gs1.org/cbv/Disp-retail_sold.
CBV has no step for a return; so the disposition decides first, then the step.
"""

import re
from collections.abc import Iterable

from rfidguard.errors import RefusedInput

STEP, DISPOSITION = "bizStep", "disposition"
OWN_WORD_MAX = 400

_CURIE = {STEP: "cbv:bizstep-", DISPOSITION: "cbv:disp-"}
_URN = {STEP: "urn:epcglobal:cbv:bizstep:", DISPOSITION: "urn:epcglobal:cbv:disp:"}
_WEB = {
    STEP: ("https://ref.gs1.org/cbv/bizstep-", "http://ref.gs1.org/cbv/bizstep-", "https://ns.gs1.org/cbv/bizstep-"),
    DISPOSITION: ("https://ref.gs1.org/cbv/disp-", "http://ref.gs1.org/cbv/disp-", "https://ns.gs1.org/cbv/disp-"),
}
_STEPS = """
accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting decommissioning
departing destroying disassembling dispensing encoding entering_exiting holding inspecting installing killing loading other
packing picking receiving removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting shipping
staging_outbound stock_taking stocking storing transporting unloading unpacking void_shipping
"""
_DISPOSITIONS = """
active available completeness_inferred completeness_verified conformant container_closed container_open damaged destroyed
dispensed disposed encoded expired in_progress in_transit inactive mismatch_class mismatch_instance mismatch_quantity
needs_replacement no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved retail_sold
returned sellable_accessible sellable_not_accessible stolen unavailable unknown
"""
_WORDS = {STEP: frozenset(_STEPS.split()), DISPOSITION: frozenset(_DISPOSITIONS.split())}
_VENDOR_WORDS = frozenset(("online_sold", "maybe_stolen", "retail_reserved", "lent", "on_display", "hemming", "reserved"))
"""Words of shop systems that are URIs of their own; the last part of the URI is the word."""

_OWN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")

_SOLD = frozenset(("retail_sold", "dispensed", "online_sold"))
_ARMED = frozenset(("sellable_accessible", "sellable_not_accessible", "active", "available", "on_display"))
_BY_DISPOSITION = {
    **dict.fromkeys(_SOLD, "sold"),
    **dict.fromkeys(_ARMED, "stock_in"),
    **dict.fromkeys(("reserved", "retail_reserved"), "reserved"),
    **dict.fromkeys(("lent", "hemming"), "released"),
    **dict.fromkeys(("destroyed", "disposed"), "retired"),
    "returned": "returned",
}
_NEUTRAL = frozenset((
    "stolen", "maybe_stolen", "unknown", "damaged", "non_sellable_other", "recalled", "expired", "unavailable", "inactive",
))  # fmt: skip
"""What they say of an item puts it neither in stock nor out of the shop; only a step that lets it leave still counts."""
_LEAVING = {
    **dict.fromkeys(("retail_selling", "dispensing"), "sold"),
    **dict.fromkeys(("shipping", "departing"), "shipped"),
    **dict.fromkeys(("decommissioning", "killing", "destroying"), "retired"),
}
_BY_STEP = {
    **_LEAVING,
    **dict.fromkeys(
        ("commissioning", "receiving", "accepting", "stocking", "cycle_counting", "stock_taking", "void_shipping"), "stock_in"
    ),
    "reserving": "reserved",
}


def word(text: str, field: str) -> str:
    """The bare word of `text`; a word of someone's own (a URI) stays whole unless it is a known vendor's.

    `field`: STEP or DISPOSITION. Raises RefusedInput(bad_word) for a bare word that CBV 2.0 does not have.
    """
    text = text.strip()
    lower = text.lower()
    for start in (_CURIE[field], _URN[field], *_WEB[field]):
        if lower.startswith(start):
            return _standard(text[len(start) :], text, field)
    if not _OWN.fullmatch(text):
        return _standard(text, text, field)
    if len(text) > OWN_WORD_MAX:
        raise RefusedInput("bad_word", f"a word of your own has at most {OWN_WORD_MAX} characters, not {len(text)}")
    last = re.split(r"[/#:]", text)[-1].lower()
    return last if last in _VENDOR_WORDS else text


def kind_of(step: str | None, dispositions: Iterable[str], lost: Iterable[str] = (), *, returned: bool = False) -> str | None:
    """The kind of ledger record; None where the event changes nothing that a gate asks for.

    `dispositions`: the disposition, then persistent ones that were set; `lost`: persistent ones that were unset.
    `returned`: the event belongs to a return (a business transaction of type rma).
    """
    given = list(dispositions)
    kind = next((_BY_DISPOSITION[name] for name in given if name in _BY_DISPOSITION), None)
    if kind is None and _SOLD.intersection(lost):
        kind = "returned"
    if kind is None:
        kind = (_LEAVING if _NEUTRAL.intersection(given) else _BY_STEP).get(step or "")
    if kind == "stock_in" and (returned or step == "retail_selling"):
        return "returned"
    return kind


def _standard(name: str, text: str, field: str) -> str:
    if name.lower() not in _WORDS[field]:
        raise RefusedInput(
            "bad_word", f"{ascii(text)[:80]} is no {field} of CBV 2.0; a word of your own is a URI, like https://…/{name[:40]}"
        )
    return name.lower()
