// The learner's machines as they were last measured: a table, and the drawing of the stack.
import { saveButtons, valueRows } from "./chart-files.js";
import { announce } from "./announce.js";
import { h } from "./markup.js";
import { label, methods, sheet, shortBoot, words } from "./figures.js";
import { recordedNote, recordedOf } from "./run-panel.js";
import { drawStack } from "./stack-drawing.js";
import { gettext } from "./words.js";

const SHOWN = ["start", "memory_cgroup", "memory_pss", "disk_own", "processes_inside", "processes_outside", "cpu_idle", "kernel", "boot"];
const BELOW = new Set(["kernel", "boot"]);
const EVERY_MS = 10_000;
const FOR_MS = 60_000;

/** Values by machine: {house: {start: value…}}. */
function bySubject(values) {
  const found = {};
  for (const value of values) (found[value.subject] ??= {})[value.name] = value;
  return found;
}

/** One measurement feeds all panels of the page; it is asked for while somebody can see one. */
export class LiveValues {
  #until = 0;
  #timer = 0;
  #values = [];

  constructor(panels, diagrams, runs, machines) {
    Object.assign(this, { panels, diagrams, runs, machines });
    runs.on("measure", (event) => this.#hear(event));
    runs.state.addEventListener("change", ({ detail }) => this.#changed(detail.before));
    document.addEventListener("visibilitychange", () => document.hidden || this.#again());
    for (const panel of panels) this.#button(panel);
    this.#first();
  }

  async #first() {
    const mine = await this.runs.history("measure").then((found) => found.mine, () => []);
    const recorded = this.machines.page.engine.available ? null : recordedOf([...this.panels, ...this.diagrams][0]);
    if (mine.length) this.#values = mine.at(-1).values;
    else if (recorded) {
      this.#values = recorded.runs.at(-1).values;
      for (const panel of this.panels) panel.prepend(recordedNote(recorded));
    }
    this.#draw();
    if (this.runs.state.usable) this.#begin();
  }

  #button(panel) {
    const button = panel.querySelector("[data-run]");
    button.hidden = false;
    button.addEventListener("click", () => {
      if (!this.runs.state.usable) this.machines.showStart();
      else this.#begin();
    });
  }

  #changed(before) {
    if (this.runs.state.usable && !["ready", "expiring"].includes(before)) this.#begin();
  }

  /** Measure now, and again every few seconds for a minute. */
  #begin() {
    this.#until = performance.now() + FOR_MS;
    this.#ask();
  }

  #again() {
    clearTimeout(this.#timer);
    if (performance.now() < this.#until && this.runs.state.usable && !document.hidden) {
      this.#timer = setTimeout(() => this.#ask(), EVERY_MS);
    }
  }

  async #ask() {
    clearTimeout(this.#timer);
    try {
      await this.runs.start("measure");
    } catch (error) {
      // Something else is being measured: its panel shows it, and this one comes after it.
      if (error.code !== "run_live") this.#say(`${error.message} ${error.hint}`);
      this.#again();
    }
  }

  #hear({ state, values, error }) {
    if (state === "failed") this.#say(error);
    if (state === "done") {
      this.#values = values;
      this.#say("");
      this.#draw();
    }
    if (state === "done" || state === "failed") this.#again();
  }

  #say(text) {
    for (const panel of this.panels) panel.querySelector("[data-run-say]").textContent = text;
    if (text) announce(text);
  }

  #draw() {
    if (!this.#values.length) return;
    const found = bySubject(this.#values);
    for (const panel of this.panels) panel.querySelector("[data-table]").replaceChildren(...this.#table(found));
    for (const diagram of this.diagrams) drawStack(diagram, found, this.machines.page.machines, this.#values);
  }

  #table(found) {
    const names = Object.keys(found).filter((name) => name !== "host");
    const heads = names.map((name) => (found[name].start?.emulated ? gettext("%(name)s (emulated)", { name }) : name));
    const rows = SHOWN.filter((name) => names.some((machine) => found[machine][name]))
      .map((name) => [label(name), names.map((machine) => (found[machine][name] ? words(found[machine][name]) : "–")), BELOW.has(name) ? "below" : null]);
    const files = saveButtons(this.panels[0], "machines", () => valueRows(this.#values));
    files.firstChild.remove(); // no drawing in this panel
    return [sheet(gettext("Your machines, measured"), heads, rows), methods(this.#values), files];
  }
}

export { shortBoot };
