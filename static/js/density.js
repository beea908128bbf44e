// The density panel: fills a budget on both sides, then reckons what larger hosts would hold.
import { saveButtons, valueRows } from "./chart-files.js";
import { counted, densityChart } from "./density-chart.js";
import { methods, mib, sheet } from "./figures.js";
import { h } from "./markup.js";
import { RunPanel, recordedNote, recordedOf } from "./run-panel.js";
import { guessOf, onGuess } from "./runs.js";
import { gettext, said } from "./words.js";

const SIDES = ["vm", "container"];
const HOSTS_GIB = [24, 64, 256];
const GIB = 1024 ** 3;
const DEFAULT_BUDGET = 256 * 1024 * 1024;

class Density {
  #live = null;
  #last = null;

  constructor(panel, runs, machines) {
    Object.assign(this, { panel, runs, recorded: recordedOf(panel), available: machines.page.engine.available });
    this.slider = panel.querySelector("[data-hosts]");
    this.slider.addEventListener("input", () => this.#reckon());
    this.run = new RunPanel(panel, "fit", runs, machines, {
      started: () => this.#begin(),
      heard: (part, end) => (part ? this.#hear(part) : this.#end(end)),
      again: gettext("Fill it again"),
    });
    onGuess(() => this.#draw());
    this.#load();
  }

  async #load() {
    const mine = await this.runs.history("fit").then((found) => found.mine, () => []);
    this.#last = mine.at(-1) ?? null;
    if (!this.#last && !this.available && this.recorded) {
      this.#last = this.recorded.runs.at(-1) ?? null;
      this.panel.querySelector("[data-run-note]").replaceChildren(recordedNote(this.recorded));
    }
    this.#draw();
  }

  #begin() {
    this.#live = { budget: DEFAULT_BUDGET, sides: Object.fromEntries(SIDES.map((side) => [side, { count: 0, used: 0 }])) };
    this.#draw();
  }

  #hear(part) {
    if (!this.#live) this.#begin();
    this.#live.budget = part.budget_bytes;
    this.#live.sides[part.side] = { count: part.count, used: part.used_bytes };
    if (part.stopped) this.run.say(gettext("%(count)s, then %(stopped)s.", { count: counted(part.side, part.count), stopped: said(part.stopped) }), true);
    else this.run.say(gettext("%(count)s so far, %(used_bytes)s.", { count: counted(part.side, part.count), used_bytes: mib(part.used_bytes) }));
    this.#draw();
  }

  #end(run) {
    this.#live = null;
    if (run.state === "done") {
      this.#last = run;
      const { vm, container } = run.outcome.sides;
      this.run.say(gettext("%(count)s or %(count2)s in the same memory.", { count: counted("container", container.count), count2: counted("vm", vm.count) }), true);
    }
    this.#draw();
  }

  #model(side) {
    const from = this.#live?.sides[side] ?? this.#kept(side);
    return { ...from, guess: guessOf(`fit-${side}`) };
  }

  #kept(side) {
    const kept = this.#last?.outcome.sides[side];
    return kept ? { count: kept.count, used: kept.used_bytes, emulated: kept.emulated } : { count: 0, used: 0 };
  }

  #draw() {
    const budget = this.#live?.budget ?? this.#last?.outcome.budget_bytes ?? DEFAULT_BUDGET;
    const sides = Object.fromEntries(SIDES.map((side) => [side, this.#model(side)]));
    this.panel.querySelector("[data-chart]").replaceChildren(densityChart(sides, budget), ...this.#ends());
    if (!this.#live) this.#settle();
  }

  /** What ended each side: a budget that is not full wants a reason beside it. */
  #ends() {
    if (this.#live || !this.#last) return [];
    return SIDES.map((side) => {
      const { count, stopped } = this.#last.outcome.sides[side];
      return h("p", { class: "stage-note" }, gettext("%(count)s, then %(stopped)s.", { count: counted(side, count), stopped: said(stopped) }));
    });
  }

  #settle() {
    const measured = Boolean(this.#last);
    this.panel.querySelector("[data-larger]").hidden = !measured;
    const place = this.panel.querySelector("[data-table]");
    if (!measured) return place.replaceChildren();
    const { vm, container } = this.#last.outcome.sides;
    const row = (name, read) => [name, [read(vm), read(container)]];
    place.replaceChildren(
      sheet(gettext("What was measured"), [vm.emulated ? gettext("%(name)s (emulated)", { name: gettext("VMs") }) : gettext("VMs"), gettext("Containers")], [
        row(gettext("Started"), ({ count }) => count), row(gettext("Memory together"), ({ used_bytes }) => mib(used_bytes)),
        row(gettext("Memory for each"), ({ each_bytes }) => mib(each_bytes)), row(gettext("Why it stopped"), ({ stopped }) => h("span", { class: "why" }, said(stopped))),
      ]),
      methods(this.#last.values), saveButtons(this.panel, "how-many-fit", () => this.#rows()));
    this.#reckon();
  }

  #rows() {
    const points = SIDES.flatMap((side) => this.#last.outcome.sides[side].points.map(({ count, used_bytes }) => [side, count, used_bytes]));
    return [["side", "started", "used_bytes"], ...points, [], ...valueRows(this.#last.values)];
  }

  /** Computed, and said to be: nothing of this was run. */
  #reckon() {
    if (!this.#last) return;
    const gib = HOSTS_GIB[this.slider.value];
    const each = (side) => this.#last.outcome.sides[side].each_bytes;
    const fits = (side) => Math.floor((gib * GIB) / each(side));
    const text = gettext("%(gib)s GiB: %(fits)s or %(fits2)s", { gib, fits: counted("vm", fits("vm")), fits2: counted("container", fits("container")) });
    this.slider.setAttribute("aria-valuetext", text);
    this.panel.querySelector("[data-reckoned]").replaceChildren(
      h("b", {}, text), h("span", {}, gettext("%(gib)s GiB ÷ %(vm)s and %(gib)s GiB ÷ %(container)s", { gib, vm: mib(each("vm")), container: mib(each("container")) })));
  }
}

/** Wire a density panel. */
export function startDensity(panel, runs, machines) {
  return new Density(panel, runs, machines);
}
