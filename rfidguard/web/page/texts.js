// Every text of the staff page, by language. Neutral wording only: an alarm asks staff to look, it accuses nobody.
// To add a language: copy the block `en`, translate the values, keep the keys and the words in {braces}.

export const TEXTS = {
  en: {
    "title": "Exit alarms",
    "link.waiting": "Connecting…",
    "link.live": "Live",
    "link.lost": "No connection",
    "lost": "Connection lost. This list may be old. Trying again…",
    "sound.off": "Sound is off",
    "sound.on": "Sound is on",
    "who.you": "You: {name}",
    "name.title": "Who has this device?",
    "name.label": "Name (others see it when you take an alarm)",
    "name.save": "Save",
    "name.cancel": "Cancel",
    "sign_in.title": "Sign in",
    "sign_in.label": "Token of this device",
    "sign_in.hint": "Ask the person who set this box up. The device stays signed in for one shift.",
    "sign_in.enter": "Sign in",
    "sign_in.token_needed": "This token is not known. Please check it and try again.",
    "sign_in.wrong_scope": "This token is not for the staff page.",
    "sign_in.other": "That did not work. Please try again.",
    "sign_out": "Sign out",

    "open.title": "Open",
    "open.counted.one": "{count} open alarm",
    "open.counted.other": "{count} open alarms",
    "calm": "Nothing to check right now.",
    "closed.title": "Recently closed",
    "closed.more": "Closed alarms stay closed.",
    "spoken": "{headline}, {gate}",

    "headline.unpaid_items.one": "Please check 1 item",
    "headline.unpaid_items.other": "Please check {count} items",
    "headline.bulk.one": "Please check 1 item",
    "headline.bulk.other": "Many items at once: please check {count} items",
    "headline.concealment": "Please check: unusual readings at the gate",
    "headline.eas_unidentified": "Please check: the pedestal rang",
    "headline.cloned_epc": "Paid, but its number is known twice",
    "headline.tag_not_deactivated": "Please remove a label: the goods are paid",
    "headline.blind_gate": "This gate cannot see: please check the equipment",
    "headline.device": "Please check the equipment",
    "headline.drill": "Drill: please practise as if it were real",
    "headline.other": "Please check: {kind}",
    "headline.test": "A test: everything works",
    "drill": "Drill",

    "severity.info": "For information",
    "severity.warning": "To check",
    "severity.critical": "Urgent",

    "gate": "Gate {gate}",
    "since.now": "just now",
    "since.seconds": "{count} s ago",
    "since.minutes": "{count} min ago",
    "since.hours": "{hours} h {minutes} min ago",
    "since.days.one": "1 day ago",
    "since.days.other": "{count} days ago",

    "item.article": "Article {gtin}",
    "item.unknown": "Item without article number",
    "item.serial": "no. {serial}",
    "item.epc": "tag …\u2060{tail}",
    "item.all": "Show all {count} items",
    "item.some": "Show fewer items",
    "value": "Worth {value} {currency}",

    "state.unpaid": "Please check",
    "state.pending": "Wait: the till may still report it",
    "state.cleared": "Paid: the sale has come in",
    "state.sold": "Paid",
    "state.unverified": "Cannot be checked now",

    "reason.unpaid_exit": "Not in the sales so far.",
    "reason.ledger_stale": "Not in the sales so far, but reports of the tills are missing.",
    "reason.reserved_exit": "Reserved; no payment is known yet.",
    "reason.watch_listed": "On the list of items to look out for; no payment is known yet.",
    "reason.allow_listed": "On the list of items that may pass.",
    "reason.bulk_exit": "Many items went out together; no payment is known yet.",
    "reason.pending_sale": "The till may still be reporting the sale.",
    "reason.late_sale": "The sale came in after the item had left.",
    "reason.sold": "This item is paid.",
    "reason.sold_credit": "A sale of this article covers the item.",
    "reason.sold_meanwhile": "The item was paid in the meantime.",
    "reason.sold_twice": "This very item was sold twice: a copied label, or a receipt booked twice.",
    "reason.left_twice": "This very item left once before and was not seen coming back.",
    "reason.tag_not_deactivated": "The goods are paid; a label was left on at the till.",
    "reason.eas_unidentified": "The pedestal rang; no tag could be read with it.",
    "reason.eas_explained": "The pedestal rang for the item in this alarm.",
    "reason.concealment": "No longer heard near the gate and not in the sales; metal was sensed as somebody left.",
    "reason.eas_inbound": "The pedestal rang for somebody coming in.",
    "reason.ledger_stale": "No news from the tills for a while; sales may be missing here.",
    "reason.stale_ledger": "No news from the tills for a while; sales may be missing here.",
    "reason.inbound": "This item came in from outside.",
    "reason.stayed": "This item moved near the gate and stayed in the shop.",
    "reason.standing": "This item stands near the gate.",
    "reason.no_motion": "This item did not move.",
    "reason.too_few_reads": "This item was read too seldom to be sure.",
    "reason.direction_unknown": "The gate cannot tell in which direction it went.",
    "reason.foreign": "These are not goods of this shop.",
    "reason.canary": "A test tag of the gate’s own frame.",
    "reason.unknown_item": "The system does not know this item yet.",
    "reason.not_in_stock": "This item is not in the stock of this shop.",
    "reason.carried_in": "The same item was carried in before.",
    "reason.article_sold_today": "Another item of this article was sold today; perhaps it was this one.",
    "reason.sold_item_still_here": "Its sale seems to have been counted for a similar item that is still here.",
    "reason.wrong_item_scanned": "A similar item was sold; perhaps the other label was scanned.",
    "reason.stock_count": "Stock was being counted.",
    "reason.muted": "The gate was muted.",
    "reason.disarmed": "The gate was disarmed.",
    "reason.goods_movement": "Staff were moving goods through the gate.",
    "reason.badge": "A staff badge.",
    "reason.badge_near": "A staff badge is at the gate; it may be moving the goods.",
    "reason.after_hours": "These goods went out while the shop was closed.",
    "reason.gate_observes": "The gate only observes.",
    "reason.no_rule": "No rule says anything about this item.",
    "reason.test": "A test, asked for by staff.",

    "certainty.very": "very sure",
    "certainty.fairly": "fairly sure",
    "certainty.likely": "likely",
    "certainty.unsure": "unsure",

    "taken.other": "{name} is on it",
    "taken.you": "You are on it",
    "taken.nobody": "Nobody is on it yet",

    "act.take": "I’m on it",
    "act.outcome": "How did it end?",
    "act.close": "Close it…",
    "act.more": "More…",
    "act.fewer": "Fewer",
    "act.per_item": "Item by item…",
    "act.same_for_all": "One answer for all",
    "act.send": "Close with these answers",
    "act.back": "Back",
    "act.sending": "Sending…",
    "act.choose": "Please choose",

    "failed.offline": "Not sent: no connection. Please tap again.",
    "failed.busy": "Not sent: the box is busy. Please tap again.",
    "failed.first": "{name} was first.",
    "failed.closed": "This alarm is closed already.",
    "failed.refused": "Not accepted: {reason}",

    "outcome.recovered": "Item is back",
    "outcome.walked_out": "Left with it",
    "outcome.paid_late": "Paid after all",
    "outcome.tag_not_deactivated": "Paid, label was left on",
    "outcome.wrong_item_scanned": "Another item was scanned",
    "outcome.foreign_tag": "From another shop",
    "outcome.own_property": "Customer’s own",
    "outcome.return_in_progress": "Is being returned",
    "outcome.staff_or_transfer": "Staff or transfer",
    "outcome.goods_movement": "Goods being moved",
    "outcome.checked_nothing_found": "Checked, all fine",
    "outcome.declined_check": "Check declined",
    "outcome.stray": "Read from afar",
    "outcome.phantom": "Nobody was there",
    "outcome.drill": "Drill done",
    "outcome.device_fault": "Equipment fault",
    "outcome.no_response": "Nobody answered",
    "outcome.unknown": "Not known",

    "closed.resolved": "{outcome} – {name}",
    "closed.cleared": "Paid: closed by itself",
    "closed.expired": "Nobody answered in time",
    "closed.unnamed": "closed",
  },
};

const language = (navigator.languages || []).map((tag) => tag.slice(0, 2)).find((tag) => tag in TEXTS) || "en";
const table = TEXTS[language];
const plurals = new Intl.PluralRules(language);

/** The text for `key` with {words} filled in; the key's last word in plain letters where there is no text. */
export function text(key, values = {}) {
  const found = table[key] ?? TEXTS.en[key];
  if (found === undefined) return plain(key.slice(key.indexOf(".") + 1));
  return found.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The text for a count: `key.one`, `key.other` or whatever plural forms the language has. */
export function counted(key, count, values = {}) {
  const form = `${key}.${plurals.select(count)}`;
  return text(form in table ? form : `${key}.other`, { count, ...values });
}

/** True where the table has a text for `key`. */
export const known = (key) => key in table;

/** "some_code" as words: "Some code". */
export function plain(code) {
  const words = String(code).replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

document.documentElement.lang = language;
