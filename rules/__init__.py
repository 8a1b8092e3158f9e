"""Alarm rules, one file each. REGISTRY names them all; outside packages add theirs by the entry point group `rfidguard.rules`."""

REGISTRY = {
    "unpaid": "rules.unpaid",
    "tag_not_deactivated": "rules.tag_not_deactivated",
    "eas_unidentified": "rules.eas_unidentified",
}
