"""How long a sale of an article pays for an item that leaves, and why so long; for people. Pure."""

from collections.abc import Mapping

import msgspec

from rfidguard.config import LedgerPolicy
from rfidguard.walk_times import ENOUGH, learned_ttl_s


class CreditTime(msgspec.Struct, frozen=True):
    """The time, whether it was learned, from how many walks, and that in words."""

    seconds: float
    learned: bool
    walks: int
    text: str


def credit_time(walks: Mapping[int, float], policy: LedgerPolicy) -> CreditTime:
    """`walks` by bucket, see `walk_times`."""
    count = int(sum(walks.values()))
    start = "a sale without EPC pays for an item that leaves within"
    if not policy.credit_ttl_learn:
        return CreditTime(policy.credit_ttl_s, False, count, f"{start} {policy.credit_ttl_s:.0f} s (ledger.credit_ttl_s)")
    found = learned_ttl_s(walks, policy.credit_ttl_min_s, policy.credit_ttl_max_s)
    if found is None:
        why = f"ledger.credit_ttl_s; {count} of {ENOUGH} walks from till to door seen so far, then it is learned"
        return CreditTime(policy.credit_ttl_s, False, count, f"{start} {policy.credit_ttl_s:.0f} s ({why})")
    bound = ", the least allowed" if found == policy.credit_ttl_min_s else ""
    bound = ", the most allowed" if found == policy.credit_ttl_max_s else bound
    why = f"learned: 99 of 100 of {count} walks from till to door were shorter{bound}"
    return CreditTime(found, True, count, f"{start} {found:.0f} s ({why})")
