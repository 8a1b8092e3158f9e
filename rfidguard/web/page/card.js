// One open alarm on the screen. What a person has opened or chosen on a card survives changes of its alarm.

import { byId, element } from "./element.js";
import * as outcomes from "./outcomes.js";
import { text } from "./texts.js";
import { certaintyName, coded, gateName, headline, itemDetails, itemName, oneReason, outcomeName, severityName, since } from "./words.js";

const ITEMS_SHOWN = 3;

export class Card {
  #made = "";

  /** `desk`: { me(), now(), answer(alarm, answer) -> Promise<text | null> }. */
  constructor(alarm, desk) {
    this.desk = desk;
    this.panel = "";
    this.more = false;
    this.allItems = false;
    this.chosen = new Map();
    this.busy = false;
    this.problem = "";
    this.asked = "";
    this.node = element("li", { class: "card", "data-alarm": alarm.id });
    this.show(alarm);
  }

  /** Draws the alarm as it is now; does nothing where nothing changed. */
  show(alarm) {
    this.alarm = alarm;
    const heldByMe = this.asked === "acknowledge" && alarm.acknowledged_by === this.desk.me();
    if (heldByMe) this.problem = "";
    const looks = JSON.stringify([alarm.revision, alarm.state, this.desk.me(), this.panel, this.more, this.allItems, this.busy, this.problem, [...this.chosen]]);
    if (looks === this.#made) return;
    this.#made = looks;
    const focused = this.node.contains(document.activeElement) ? document.activeElement : null;
    this.node.dataset.severity = alarm.severity;
    this.node.dataset.state = alarm.state;
    this.node.replaceChildren(...[this.#head(), this.#items(), this.#taken(), ...this.#actions()].filter(Boolean));
    if (focused) this.#focusAgain(focused.dataset.key);
    this.tick();
  }

  /** Keeps the keyboard in the card: on the same control, else on the text before the next ones, never on a button not meant. */
  #focusAgain(key) {
    const same = key && this.node.querySelector(`[data-key="${CSS.escape(key)}"]`);
    (same || this.node.querySelector(".busy") || this.node.querySelector(".ask") || this.node.querySelector("h3")).focus({ preventScroll: true });
  }

  /** Brings the age up to date. */
  tick() {
    const age = this.node.querySelector(".age");
    const words = since(Date.parse(this.alarm.raised_at), this.desk.now());
    if (age && age.textContent !== words) age.textContent = words;
  }

  #head() {
    const alarm = this.alarm;
    return element("div", { class: "head" },
      element("p", { class: "badge", text: alarm.drill ? text("drill") : severityName(alarm) }),
      element("h3", { id: `headline-${alarm.id}`, tabindex: "-1", text: headline(alarm) }),
      element("p", { class: "place" },
        element("span", { class: "gate", text: gateName(alarm) }),
        element("span", { class: "age" })),
      alarm.value && element("p", { class: "value", text: text("value", { value: alarm.value, currency: alarm.currency }) }));
  }

  #items() {
    const items = this.alarm.items;
    if (!items.length) return null;
    const together = oneReason(items);
    const long = items.length > ITEMS_SHOWN + 1;
    const shown = long && !this.allItems ? items.slice(0, ITEMS_SHOWN) : items;
    const label = this.allItems ? text("item.some") : text("item.all", { count: items.length });
    return element("div", { class: "items" },
      together && this.#why(items[0]),
      element("ul", {}, ...shown.map((item) => this.#item(item, !together))),
      long && element("button", { type: "button", class: "quiet wide", "data-key": "all-items", onclick: () => this.#toggle("allItems"), text: label }));
  }

  #item(item, withReason) {
    return element("li", { class: "item", "data-state": item.state },
      element("div", { class: "item-line" },
        element("strong", { class: "item-name", text: itemName(item) }),
        item.price && element("span", { class: "price", text: item.price })),
      element("div", { class: "details" }, ...itemDetails(item).map((part) => element("span", { text: part }))),
      withReason && this.#why(item));
  }

  #why(item) {
    const settled = item.state !== "unpaid";
    return element("div", { class: "why", "data-state": item.state },
      settled && element("span", { class: "chip", text: coded("state", item.state) }),
      element("span", { text: coded("reason", item.reason) }),
      !settled && element("span", { class: "sure", text: certaintyName(item.certainty) }));
  }

  #taken() {
    const name = this.alarm.acknowledged_by;
    const mine = name && name === this.desk.me();
    const words = mine ? text("taken.you") : name ? text("taken.other", { name }) : text("taken.nobody");
    return element("p", { class: "taken", "data-taken": mine ? "you" : name ? "other" : "nobody", text: words });
  }

  #actions() {
    const note = this.problem && element("p", { class: "problem", role: "alert", text: this.problem });
    if (this.busy) return [element("p", { class: "busy", tabindex: "-1", text: text("act.sending") }), note].filter(Boolean);
    const mine = this.alarm.acknowledged_by === this.desk.me() && this.alarm.state === "acknowledged";
    const parts = { items: () => this.#perItem(), outcome: () => this.#outcomes(true) };
    const shown = parts[this.panel] ?? (mine ? () => this.#outcomes(false) : () => this.#first());
    return [note, ...shown()].filter(Boolean);
  }

  #first() {
    const taken = this.alarm.state === "acknowledged";
    return [element("div", { class: "choices first" },
      !taken && this.#button("take", "act.take", "big", () => this.#send({ action: "acknowledge" })),
      this.#button("close", "act.close", "quiet", () => this.#open("outcome")))];
  }

  #outcomes(mayGoBack) {
    const codes = this.more ? outcomes.all(this.alarm) : outcomes.frequent(this.alarm);
    return [
      element("p", { class: "ask", tabindex: "-1", text: text("act.outcome") }),
      element("div", { class: "choices grid" }, ...codes.map((code) => this.#outcomeButton(code))),
      element("div", { class: "choices small" },
        this.#button("more", this.more ? "act.fewer" : "act.more", "quiet", () => this.#toggle("more")),
        this.alarm.items.length > 1 && this.#button("items", "act.per_item", "quiet", () => this.#open("items")),
        mayGoBack && this.#button("back", "act.back", "quiet", () => this.#open(""))),
    ];
  }

  #outcomeButton(code) {
    const properties = { type: "button", class: "outcome", "data-key": `outcome-${code}`, text: outcomeName(code) };
    return element("button", { ...properties, onclick: () => this.#send({ action: "resolve", outcome: code }) });
  }

  #perItem() {
    for (const item of this.alarm.items) if (item.state === "cleared" && !this.chosen.has(item.epc)) this.chosen.set(item.epc, "paid_late");
    const complete = this.alarm.items.every((item) => this.chosen.get(item.epc));
    return [
      element("p", { class: "ask", tabindex: "-1", text: text("act.outcome") }),
      ...this.alarm.items.map((item, place) => this.#choice(item, place)),
      element("div", { class: "choices" },
        this.#button("send", "act.send", "big wide", () => this.#sendItems(), !complete),
        this.#button("back", "act.same_for_all", "quiet", () => this.#open("outcome"))),
    ];
  }

  #choice(item, place) {
    const field = `choice-${this.alarm.id}-${place}`;
    const options = ["", ...outcomes.all(this.alarm)].map((code) =>
      element("option", { value: code, selected: this.chosen.get(item.epc) === code, text: code ? outcomeName(code) : text("act.choose") }));
    const choose = (event) => {
      this.chosen.set(item.epc, event.target.value);
      this.show(this.alarm);
    };
    return element("div", { class: "choice" },
      element("label", { for: field, text: [itemName(item), text("item.epc", { tail: (item.epc ?? "").slice(-6) })].join(" · ") }),
      element("select", { id: field, "data-key": field, onchange: choose }, ...options));
  }

  #button(key, label, look, onclick, disabled = false) {
    const describes = `headline-${this.alarm.id}`;
    return element("button", { type: "button", class: look, "data-key": key, "aria-describedby": describes, disabled, onclick, text: text(label) });
  }

  #open(panel) {
    this.panel = panel;
    this.show(this.alarm);
  }

  #toggle(what) {
    this[what] = !this[what];
    this.show(this.alarm);
  }

  #sendItems() {
    const items = this.alarm.items.map((item) => ({ epc: item.epc, outcome: this.chosen.get(item.epc) }));
    return this.#send({ action: "resolve", items });
  }

  async #send(answer) {
    this.busy = true;
    this.problem = "";
    this.show(this.alarm);
    this.problem = (await this.desk.answer(this.alarm, answer)) ?? "";
    this.asked = answer.action;
    this.busy = false;
    if (byId("open").contains(this.node)) this.show(this.alarm);
  }
}
