// What all run panels share: the button, what is going on, and where the learner stands.
import { announce } from "./announce.js";
import { h } from "./markup.js";
import { gettext, said } from "./words.js";

const TRIES = 20;
const TRY_AGAIN_MS = 1000;

/** `panel` is the figure; `again` names the button after the first run. */
export class RunPanel {
  constructor(panel, what, runs, machines, { started, heard, again }) {
    Object.assign(this, { panel, what, runs, machines, started, heard, again });
    this.button = panel.querySelector("[data-run]");
    this.saying = panel.querySelector("[data-run-say]");
    this.body = panel.querySelector("[data-run-body]");
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.#start());
    runs.on(what, (event) => this.#hear(event));
    runs.state.addEventListener("change", () => this.#offer());
    this.#offer();
  }

  say(text, loud = false) {
    this.saying.textContent = text;
    if (loud) announce(text);
  }

  #offer() {
    const { available, message } = this.machines.page.engine;
    if (!this.busy) this.button.disabled = !available && !this.runs.state.usable;
    if (!available && !this.runs.state.usable && message) this.say(message);
  }

  async #start() {
    if (!this.runs.state.usable) {
      this.say(gettext("Start your machines first: the button is beside this text."));
      this.machines.showStart();
      return;
    }
    this.#busy(true);
    this.say(gettext("Asked for…"));
    try {
      await this.#ask(TRIES);
    } catch (error) {
      this.#busy(false);
      this.say(`${error.message} ${error.hint}`, true);
    }
  }

  /** Ask for the run; what the page itself measures at this moment is waited for. */
  async #ask(tries) {
    try {
      await this.runs.start(this.what);
    } catch (error) {
      if (error.code !== "run_live" || tries < 1) throw error;
      await new Promise((later) => setTimeout(later, TRY_AGAIN_MS));
      await this.#ask(tries - 1);
    }
  }

  #hear(event) {
    if (event.part) {
      this.heard(event.part);
      return;
    }
    if (event.state === "running") {
      this.#busy(true);
      this.say(gettext("Under way…"), true);
      this.started?.();
      return;
    }
    this.#busy(false);
    this.heard(null, event);
    if (event.state === "failed") this.say(said(event.error), true);
  }

  #busy(busy) {
    this.busy = busy;
    this.button.disabled = busy;
    if (!busy) this.button.querySelector("[data-run-word]").textContent = this.again;
  }
}

/** A note that what is shown was recorded elsewhere. */
export function recordedNote(recorded) {
  const { at, machine } = recorded;
  const day = new Date(at).toLocaleDateString(undefined, { year: "numeric", month: "long", day: "numeric" });
  return h("p", { class: "note recorded" }, h("b", {}, gettext("Recorded, not measured here.")), " ",
    gettext("Taken on %(day)s with this same lab on %(machine)s.", { day, machine }));
}

/** What was recorded for this panel, or null; it is shown where no virtual machine can run. */
export function recordedOf(panel) {
  const data = panel.querySelector('script[type="application/json"]');
  return data ? JSON.parse(data.textContent) : null;
}
