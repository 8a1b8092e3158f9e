"""What a proposer says: a setting with its evidence, or why there is none. Pure."""

import msgspec


class Advice(msgspec.Struct, frozen=True):
    """`about`: the key in question. `why`: the evidence in numbers. `settings`: what to set, as KEY=VALUE; none: no proposal."""

    about: str
    why: str
    settings: tuple[str, ...] = ()


def few(about: str, what: str, found: int, needed: int) -> Advice:
    """No proposal, for want of evidence."""
    return Advice(about, f"no proposal: too few {what} ({found} of {needed})")
