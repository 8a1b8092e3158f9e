// Which outcomes are offered, and which of them first.

const FREQUENT = {
  unpaid_items: ["recovered", "paid_late", "checked_nothing_found", "walked_out"],
  tag_not_deactivated: ["tag_not_deactivated", "checked_nothing_found", "walked_out", "phantom"],
  eas_unidentified: ["checked_nothing_found", "tag_not_deactivated", "recovered", "phantom"],
  blind_gate: ["device_fault", "checked_nothing_found"],
  device: ["device_fault", "checked_nothing_found"],
  drill: ["drill"],
};

const ALL = [
  "recovered", "paid_late", "checked_nothing_found", "walked_out", "tag_not_deactivated", "wrong_item_scanned", "foreign_tag",
  "own_property", "return_in_progress", "staff_or_transfer", "goods_movement", "declined_check", "stray", "phantom",
  "device_fault", "drill", "unknown",
];

/** The outcomes with a big button of their own. */
export const frequent = (alarm) => (alarm.drill ? FREQUENT.drill : FREQUENT[alarm.kind] ?? FREQUENT.unpaid_items);

/** All the others that a person may choose. */
export const rest = (alarm) => ALL.filter((code) => !frequent(alarm).includes(code));

/** Every outcome, the frequent ones first. */
export const all = (alarm) => [...frequent(alarm), ...rest(alarm)];
