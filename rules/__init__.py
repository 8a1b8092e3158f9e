"""Alarm rules, one file each. REGISTRY names them all; outside packages add theirs by the entry point group `rfidguard.rules`."""

REGISTRY = {
    "allow_list": "rules.allow_list",
    "watch_list": "rules.watch_list",
    "after_hours": "rules.after_hours",
    "cloned_epc": "rules.cloned_epc",
    "unpaid": "rules.unpaid",
    "bulk": "rules.bulk",
    "tag_not_deactivated": "rules.tag_not_deactivated",
    "eas_unidentified": "rules.eas_unidentified",
    "concealment": "rules.concealment",
}
