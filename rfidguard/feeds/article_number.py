"""Which article numbers are true GTINs, and which only look like one inside a shop. Pure.

Sources: GS1 General Specifications, section 1.4 (prefixes 02, 04, 05, 20-29, 98, 99) and 2.1.12 (indicator 9).
"""

from rfidguard.epc import normal_gtin

PRICED = "price_embedded"
PLU = "plu"


def untaggable(gtin: str) -> str | None:
    """Why no tag can carry this GTIN-14: plu, price_embedded, in_store, coupon, variable_measure. None: it is a true GTIN."""
    if gtin[0] == "9":
        return "variable_measure"
    number = gtin[1:]
    if number.startswith("00000"):
        return _short(number[5:])
    if number.startswith("02") or number[0] == "2":
        return PRICED
    if number.startswith("04"):
        return "in_store"
    return "coupon" if number.startswith(("05", "98", "99")) else None


def _short(eight: str) -> str | None:
    """GTIN-8: those that begin with 0 or 2 are a shop's own (velocity codes, PLU numbers)."""
    return PLU if eight[0] == "0" else PRICED if eight[0] == "2" else None


def gtin_of(text: str) -> str:
    """GTIN-14 of what a till printed: lost leading zeros of 9 to 11 digits are put back.

    Raises RefusedInput(bad_gtin).
    """
    digits = text.strip()
    return normal_gtin(digits.zfill(12) if 8 < len(digits) < 12 else digits)
