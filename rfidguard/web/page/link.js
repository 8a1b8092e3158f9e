// The stream of events from the box. Silence is noticed: the box says every few seconds that it is alive.

const SILENCE_MS = 12_000;
const RETRY_MS = [500, 1_000, 2_000, 4_000];

export class Link {
  #source = null;
  #tries = 0;
  #heard = 0;
  #retry = 0;

  /** `on`: { snapshot(body), alarm(body), beat(body), state("live" | "lost"), refused() }. */
  constructor(on) {
    this.on = on;
    setInterval(() => this.#watch(), 1_000);
    window.addEventListener("online", () => this.#again());
    window.addEventListener("offline", () => this.#lose());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#watch(); });
    this.#open();
  }

  #open() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#heard = performance.now();
    const source = new EventSource("/v1/events");
    this.#source = source;
    for (const name of ["snapshot", "alarm", "beat"]) {
      source.addEventListener(name, (event) => this.#hear(name, JSON.parse(event.data)));
    }
    source.addEventListener("error", () => this.#lose());
  }

  #hear(name, body) {
    this.#heard = performance.now();
    if (name === "snapshot") {
      this.#tries = 0;
      this.on.state("live");
    }
    this.on[name](body);
  }

  #lose() {
    this.#source?.close();
    this.#source = null;
    this.on.state("lost");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#again(), RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)] * (0.8 + 0.4 * Math.random()));
  }

  #watch() {
    if (this.#source && performance.now() - this.#heard > SILENCE_MS) this.#lose();
  }

  /** The browser does not say why a stream was refused; the session does. */
  async #again() {
    clearTimeout(this.#retry);
    try {
      const reply = await fetch("/v1/session", { cache: "no-store", signal: AbortSignal.timeout(5_000) });
      if (reply.status === 401 || reply.status === 403) this.on.refused();
      else this.#open();
    } catch {
      this.#lose();
    }
  }
}
