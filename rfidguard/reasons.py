"""Every reason code a verdict may carry, and what it says to a person. The one table; handheld, report and explain use it."""

REASONS = {
    "unpaid_exit": "Left through the gate; the ledger knows no sale of this item.",
    "reserved_exit": "Left through the gate; the item is reserved but not paid for.",
    "watch_listed": "Left without a known sale; the item is on the watch list.",
    "allow_listed": "On the list of items that may pass.",
    "bulk_exit": "Many items left together without a known sale.",
    "pending_sale": "Leaving; the till may still be reporting the sale.",
    "late_sale": "The sale of this item came in after it had left.",
    "ledger_stale": "Left without a known sale, but the tills' reports are missing: please check.",
    "article_sold_today": "No sale covers the item by now, but one of this article was sold today and nobody carried it out.",
    "wrong_item_scanned": "Another item of this article was sold and has not left: probably the wrong one was scanned.",
    "stock_count": "Stock is being counted; the gates only watch.",
    "sold": "The item is sold.",
    "sold_credit": "A sale of this article covers the item.",
    "sold_meanwhile": "The item was sold before the gate had judged it.",
    "sold_twice": "Two sales of this very item and no return between them: is a tag copied, or a receipt doubled?",
    "left_twice": "This very item left as sold a while ago and nobody saw it come back: is its tag copied?",
    "tag_not_deactivated": "A pedestal rang; the goods that left are sold, so a label was not deactivated at the till.",
    "eas_unidentified": "A pedestal rang; no readable tag explains it.",
    "eas_explained": "A pedestal rang; the unpaid item is in the alarm of the same passage.",
    "concealment": "Stood near the gate and was gone, without a known sale, when a pedestal saw metal leave: please look.",
    "eas_inbound": "A pedestal rang for somebody coming in.",
    "inbound": "Carried in.",
    "stayed": "Moved near the gate and stayed in the shop.",
    "standing": "Stands near the gate; it did not move.",
    "too_few_reads": "Heard too seldom to say anything.",
    "direction_unknown": "Moved, but the antennas cannot tell in which direction.",
    "foreign": "Not goods of this shop.",
    "canary": "A test tag of the gate's own frame.",
    "unknown_item": "Own goods that the ledger has never heard of; the site only observes them.",
    "not_in_stock": "Own goods that are not in this shop's stock.",
    "carried_in": "The same item was carried in before.",
    "muted": "The gate was muted.",
    "disarmed": "The gate was disarmed.",
    "goods_movement": "Staff were moving goods through the gate.",
    "badge": "A staff badge.",
    "badge_near": "A staff badge is at the gate; it may be moving the goods.",
    "after_hours": "Own goods left while the shop was closed.",
    "gate_observes": "The gate only observes.",
    "no_rule": "No configured rule has an opinion on it.",
    "test": "A test, asked for by staff.",
}


def reason_text(code: str) -> str:
    """The sentence for a code; an unknown code in plain words."""
    return REASONS.get(code, code.replace("_", " ").capitalize() + ".")
