// The staff page: keeps the list of alarms in step with the box, and the screen in step with the list.

import { Alarms, isOpen } from "./alarms.js";
import { send } from "./answers.js";
import { Card } from "./card.js";
import { byId, element } from "./element.js";
import { Link } from "./link.js";
import * as sound from "./sound.js";
import { counted, text } from "./texts.js";
import { contents, ending, gateName, headline, since } from "./words.js";

const NAME_KEY = "rfidguard-name";
const alarms = new Alarms();
const cards = new Map();
const receipts = new Set();
const session = { name: "", open: false };
let clockAhead = 0;

const desk = {
  me: () => session.name,
  now: () => Date.now() + clockAhead,
  answer: (alarm, answer) => send(alarm.id, answer, session.open ? session.name : ""),
};

async function start() {
  fillTexts();
  await signIn();
  byId("sound").addEventListener("click", () => { sound.toggle(); showSound(); });
  new Link({
    snapshot: (body) => { setClock(body.at); announce(alarms.reset(body)); draw(); },
    alarm: (alarm) => { setClock(alarm.event_at); hear(alarm); },
    beat: (body) => setClock(body.at),
    state: showLink,
    refused: () => location.reload(),
  });
  document.addEventListener("visibilitychange", confirmSeen);
  setInterval(tick, 1_000);
}

function fillTexts() {
  for (const id of ["title", "name-title", "name-label", "name-save", "name-cancel"]) byId(id).textContent = text(id.replace("-", "."));
  byId("open-title").textContent = text("open.title");
  byId("closed-title").textContent = text("closed.title");
  byId("closed-hint").textContent = text("closed.more");
  byId("calm").textContent = text("calm");
  byId("lost").textContent = text("lost");
  byId("link").textContent = text("link.waiting");
  showSound();
}

async function signIn() {
  const reply = await fetch("/v1/session", { cache: "no-store" }).catch(() => null);
  if (reply?.status === 401 || reply?.status === 403) location.reload();
  if (reply?.ok) Object.assign(session, await reply.json());
  else session.open = true;
  if (session.open) offerName();
  else offerSignOut();
  showName();
}

function offerName() {
  session.name = remembered(NAME_KEY, () => `page-${crypto.getRandomValues(new Uint16Array(1))[0].toString(16).padStart(4, "0")}`);
  const dialog = byId("name-dialog");
  const field = byId("name-field");
  byId("who").addEventListener("click", () => { field.value = session.name; dialog.showModal(); field.select(); });
  byId("name-cancel").addEventListener("click", () => dialog.close());
  byId("name-form").addEventListener("submit", () => {
    session.name = levelOf(field.value) || session.name;
    remember(NAME_KEY, session.name);
    showName();
    draw();
  });
}

function offerSignOut() {
  const leave = () => fetch("/v1/session", { method: "DELETE" }).finally(() => location.replace("/"));
  byId("tools").append(element("button", { type: "button", class: "tool", id: "sign-out", onclick: leave, text: text("sign_out") }));
}

/** What this device keeps under `key`; where it keeps nothing yet, what `make` gives. */
function remembered(key, make) {
  let found = null;
  try { found = localStorage.getItem(key); } catch { /* a browser that keeps nothing */ }
  if (found) return found;
  const made = make();
  remember(key, made);
  return made;
}

function remember(key, value) {
  try { localStorage.setItem(key, value); } catch { /* a browser that keeps nothing */ }
}

/** A name as the box takes it: a-z, 0-9 and hyphens. */
function levelOf(name) {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return plain.replace(/^-+|-+$/g, "").slice(0, 64);
}

function hear(alarm) {
  const fresh = isOpen(alarm) && !alarms.get(alarm.id);
  if (!alarms.take(alarm)) return;
  if (fresh || alarm.event_type === "escalated") announce([alarm]);
  draw();
}

function announce(fresh) {
  if (!fresh.length) return;
  const worst = fresh.find((alarm) => alarm.severity === "critical") ?? fresh[0];
  byId("spoken").textContent = text("spoken", { headline: headline(worst), gate: gateName(worst) });
  sound.ring(worst.severity);
}

function draw() {
  const open = alarms.open();
  drawCards(open);
  drawClosed(alarms.closed());
  byId("calm").hidden = open.length > 0;
  byId("open-title").textContent = open.length ? counted("open.counted", open.length) : text("open.title");
  document.title = open.length ? `(${open.length}) ${text("title")}` : text("title");
  confirmSeen();
}

function drawCards(open) {
  const wanted = new Set(open.map((alarm) => alarm.id));
  for (const [id, card] of cards) {
    if (wanted.has(id)) continue;
    if (card.node.contains(document.activeElement)) byId("open-title").focus({ preventScroll: true });
    card.node.remove();
    cards.delete(id);
  }
  open.forEach((alarm, place) => {
    const card = cards.get(alarm.id) ?? new Card(alarm, desk);
    cards.set(alarm.id, card);
    card.show(alarm);
    const there = byId("open").children[place];
    if (there !== card.node) byId("open").insertBefore(card.node, there ?? null);
  });
}

function drawClosed(closed) {
  byId("closed-part").hidden = closed.length === 0;
  byId("closed").replaceChildren(...closed.map((alarm) =>
    element("li", { class: "row", "data-alarm": alarm.id },
      element("span", { class: "row-what", text: [contents(alarm), gateName(alarm)].join(" · ") }),
      element("strong", { class: "row-end", text: ending(alarm) }),
      element("span", { class: "age", "data-at": alarm.updated_at, text: since(Date.parse(alarm.updated_at), desk.now()) }))));
}

/** Tells the box that a person can see these alarms: the page lies open, in front. */
function confirmSeen() {
  if (document.hidden) return;
  for (const alarm of alarms.open()) {
    if (receipts.has(alarm.id) || alarm.delivered_by || alarm.state !== "open") continue;
    receipts.add(alarm.id);
    desk.answer(alarm, { action: "received" });
  }
}

function tick() {
  for (const card of cards.values()) card.tick();
  for (const age of byId("closed").querySelectorAll(".age")) age.textContent = since(Date.parse(age.dataset.at), desk.now());
}

function setClock(boxTime) {
  clockAhead = Date.parse(boxTime) - Date.now();
}

function showLink(state) {
  byId("link").dataset.state = state;
  byId("link").textContent = text(`link.${state}`);
  byId("lost").hidden = state === "live";
}

function showSound() {
  byId("sound").textContent = text(sound.isOn() ? "sound.on" : "sound.off");
  byId("sound").setAttribute("aria-pressed", String(sound.isOn()));
}

function showName() {
  byId("who").hidden = false;
  byId("who").disabled = !session.open;
  byId("who").textContent = text("who.you", { name: session.name });
}

start();
