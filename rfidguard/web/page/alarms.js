// What this page knows of alarms: a table by id, where only a newer revision replaces an older one.

const SEVERITY = { info: 0, warning: 1, critical: 2 };
const OPEN = new Set(["open", "acknowledged"]);
const CLOSED_SHOWN = 10;

export const isOpen = (alarm) => OPEN.has(alarm.state);

export class Alarms {
  #byId = new Map();

  get(id) {
    return this.#byId.get(id);
  }

  /** Replaces everything by a snapshot of the box; returns the open alarms that were not known before. */
  reset(snapshot) {
    const before = this.#byId;
    this.#byId = new Map();
    for (const alarm of [...snapshot.open, ...snapshot.closed]) this.#byId.set(alarm.id, newer(before.get(alarm.id), alarm));
    return snapshot.open.filter((alarm) => !before.has(alarm.id));
  }

  /** Takes one change. True if it was news. */
  take(alarm) {
    const before = this.#byId.get(alarm.id);
    if (newer(before, alarm) !== alarm) return false;
    this.#byId.set(alarm.id, alarm);
    this.#forget();
    return true;
  }

  /** Most severe first, then newest. */
  open() {
    return this.#all().filter(isOpen).sort((a, b) =>
      (SEVERITY[b.severity] ?? 1) - (SEVERITY[a.severity] ?? 1) || compare(b.raised_at, a.raised_at) || compare(b.id, a.id));
  }

  /** The latest closed ones, last closed first. */
  closed() {
    return this.#all().filter((alarm) => !isOpen(alarm))
      .sort((a, b) => compare(b.updated_at, a.updated_at) || compare(b.id, a.id)).slice(0, CLOSED_SHOWN);
  }

  #all() {
    return [...this.#byId.values()];
  }

  #forget() {
    const kept = new Set(this.closed().map((alarm) => alarm.id));
    for (const alarm of this.#all()) if (!isOpen(alarm) && !kept.has(alarm.id)) this.#byId.delete(alarm.id);
  }
}

function newer(known, given) {
  return known && known.revision > given.revision ? known : given;
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
