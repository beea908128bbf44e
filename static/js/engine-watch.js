// While no machine can be started: look now and then whether one can be again.
const EVERY_MS = 5000;

/** Calls `back()` once `/readyz` says that Start works; one watch at a time. */
export class EngineWatch {
  #timer = null;

  constructor(back) {
    this.back = back;
  }

  watch() {
    this.#timer ??= setInterval(() => this.#look(), EVERY_MS);
  }

  async #look() {
    const response = await fetch("/readyz", { cache: "no-store" }).catch(() => null);
    if (!response?.ok) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.back();
  }
}
