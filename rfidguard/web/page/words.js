// Alarm data in words.

import { counted, known, plain, text } from "./texts.js";

/** What to do, in one line: "Please check 2 items". */
export function headline(alarm) {
  const count = alarm.items.filter((item) => item.state === "unpaid").length || alarm.items.length;
  if (known(`headline.${alarm.kind}.other`)) return counted(`headline.${alarm.kind}`, count);
  return known(`headline.${alarm.kind}`) ? text(`headline.${alarm.kind}`) : text("headline.other", { kind: plain(alarm.kind) });
}

export const gateName = (alarm) => text("gate", { gate: alarm.gate });

export const severityName = (alarm) => coded("severity", alarm.severity);

export const outcomeName = (code) => (code ? coded("outcome", code) : text("closed.unnamed"));

/** A code of an open set: its text, or the code in plain words. */
export function coded(group, code) {
  return known(`${group}.${code}`) ? text(`${group}.${code}`) : plain(code ?? "");
}

/** The item's name, else its article number, else what there is. */
export function itemName(item) {
  if (item.name) return item.name;
  return item.gtin ? text("item.article", { gtin: item.gtin }) : text("item.unknown");
}

/** Article, serial and the end of the tag's code, as far as known: one text each. */
export function itemDetails(item) {
  return [
    item.name && item.gtin ? text("item.article", { gtin: item.gtin }) : "",
    item.serial ? text("item.serial", { serial: item.serial }) : "",
    item.epc ? text("item.epc", { tail: item.epc.slice(-6) }) : "",
  ].filter(Boolean);
}

/** True where one sentence says of all items why they are listed. */
export function oneReason(items) {
  const said = new Set(items.map((item) => [item.state, item.reason, certaintyName(item.certainty)].join()));
  return items.length > 1 && said.size === 1;
}

export function certaintyName(certainty) {
  if (certainty >= 0.95) return text("certainty.very");
  if (certainty >= 0.8) return text("certainty.fairly");
  return text(certainty >= 0.6 ? "certainty.likely" : "certainty.unsure");
}

/** "12 s ago", for a time of the box (milliseconds) and the box's clock now. */
export function since(then, now) {
  const seconds = Math.max(0, Math.floor((now - then) / 1000));
  if (seconds < 5) return text("since.now");
  if (seconds < 60) return text("since.seconds", { count: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return text("since.minutes", { count: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return text("since.hours", { hours, minutes: minutes % 60 });
  return counted("since.days", Math.floor(hours / 24));
}

/** How a closed alarm ended: "Item is back – staff-2". */
export function ending(alarm) {
  if (alarm.state === "cleared") return text("closed.cleared");
  if (alarm.state === "expired") return text("closed.expired");
  const outcome = outcomeName(alarm.outcome);
  return alarm.resolved_by ? text("closed.resolved", { outcome, name: alarm.resolved_by }) : outcome;
}

/** What a closed alarm was about: its items, else its kind. */
export function contents(alarm) {
  const [first, ...others] = alarm.items;
  if (!first) return plain(alarm.kind);
  return others.length ? `${itemName(first)} +${others.length}` : itemName(first);
}
