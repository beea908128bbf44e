// The race panel: starts both sides, draws while it happens, keeps what was measured in view.
import { methods, mib, secs, sheet, shortBoot } from "./figures.js";
import { saveButtons, valueRows } from "./chart-files.js";
import { h } from "./markup.js";
import { raceChart, stageNote } from "./race-chart.js";
import { RunPanel, recordedNote, recordedOf } from "./run-panel.js";
import { guessOf, onGuess } from "./runs.js";
import { gettext } from "./words.js";

const SIDES = ["vm", "container"];
const ROWS = [
  [gettext("Time to a prompt"), (side) => secs(side.seconds), "seconds"],
  [gettext("Memory, by PSS"), (side) => mib(side.memory_bytes), "memory_bytes"],
  [gettext("Disk of its own"), (side) => mib(side.disk_bytes), "disk_bytes"],
  [gettext("Processes inside"), (side) => side.processes ?? gettext("not read"), null],
  [gettext("Processes, seen from outside"), (side) => side.processes_outside ?? gettext("not read"), null],
  [gettext("Image"), (side) => side.image ?? "–", null],
  [gettext("Kernel"), (side) => side.kernel ?? gettext("not read"), "below"],
  [gettext("Boot id"), (side) => shortBoot(side.boot), "below"],
];

// Two digits of a small ratio, whole numbers of a large one; never 1.0e+2.
const ratio = (a, b) => (a > 0 && b > 0 ? `${a / b < 10 ? (a / b).toFixed(1) : Math.round(a / b)} ×` : "–");

/** A start as it is known so far. */
const empty = () => ({ stages: [], seconds: null, until: 0, emulated: false });

class Race {
  #live = null;
  #frame = 0;
  #runs = [];
  #medians = null;
  #last = null;

  constructor(panel, runs, machines) {
    this.recorded = recordedOf(panel);
    this.run = new RunPanel(panel, "race", runs, machines, {
      started: () => this.#begin(),
      heard: (part, end) => (part ? this.#hear(part) : this.#end(end)),
      again: gettext("Race again"),
    });
    this.runs = runs;
    this.panel = panel;
    this.available = machines.page.engine.available;
    onGuess(() => this.#draw());
    this.#load();
  }

  async #load() {
    try {
      const { mine, medians } = await this.runs.history("race");
      this.#runs = mine;
      this.#medians = medians;
    } catch {
      // Without history there is only this visit's; the race itself says what is wrong.
    }
    if (!this.#runs.length && !this.available && this.recorded) {
      this.#runs = this.recorded.runs;
      this.panel.querySelector("[data-run-note]").replaceChildren(recordedNote(this.recorded));
    }
    this.#last = this.#runs.at(-1) ?? null;
    this.#draw();
  }

  #begin() {
    this.#live = { vm: empty(), container: empty(), since: null };
    this.#draw();
  }

  #hear(part) {
    this.#live ??= { vm: empty(), container: empty(), since: null };
    if (part.go) {
      this.#live.since = performance.now();
      this.#tick();
      return;
    }
    const side = this.#live[part.side];
    side.stages = [...side.stages, { name: part.stage, seconds: part.seconds }];
    if (part.stage === "prompt") {
      side.seconds = part.seconds;
      const time = secs(part.seconds);
      this.run.say(part.side === "vm" ? gettext("The VM is at its prompt after %(time)s.", { time }) : gettext("The container is at its prompt after %(time)s.", { time }), true);
    }
    this.#draw();
  }

  /** Draw on until both are there. */
  #tick() {
    const live = this.#live;
    if (!live?.since) return;
    const passed = (performance.now() - live.since) / 1000;
    for (const side of SIDES) if (live[side].seconds === null) live[side].until = passed;
    this.#draw();
    const open = SIDES.some((side) => live[side].seconds === null);
    if (open) this.#frame = requestAnimationFrame(() => this.#tick());
  }

  #end(run) {
    cancelAnimationFrame(this.#frame);
    this.#live = null;
    if (run.state !== "done") return this.#draw();
    this.#runs = [...this.#runs, run];
    this.#last = run;
    const { vm, container } = run.outcome.sides;
    this.run.say(gettext("The container was at its prompt %(container)s sooner.", { container: secs(vm.seconds - container.seconds) }), true);
    this.#draw();
    this.runs.history("race").then(({ medians }) => ((this.#medians = medians), this.#draw()), () => {});
  }

  #model(side) {
    const base = this.#live ? this.#live[side] : { ...empty(), ...this.#last?.outcome.sides[side] };
    return {
      ...base,
      runs: this.#runs.map(({ outcome }) => outcome.sides[side].seconds),
      // A class of one has no median of its own: it would stand on the learner's own dots.
      median: this.#medians?.learners > 1 ? this.#medians.sides[side]?.seconds : null,
      guess: guessOf(`race-${side}`),
    };
  }

  #draw() {
    const sides = Object.fromEntries(SIDES.map((side) => [side, this.#model(side)]));
    const chart = this.panel.querySelector("[data-chart]");
    chart.replaceChildren(raceChart(sides), ...this.#notes(sides), this.#key());
    if (!this.#live) this.#table();
  }

  #notes(sides) {
    return SIDES.filter((side) => sides[side].stages.length)
      .map((side) => h("p", { class: "stage-note" }, h("b", {}, side === "vm" ? "VM" : gettext("Container")), ` ${stageNote(side, sides[side])}`));
  }

  #key() {
    const count = this.#medians?.learners ?? 0;
    const { length } = this.#runs;
    const dots = this.#runs === this.recorded?.runs ? gettext("recorded runs: %(length)s", { length }) : gettext("your runs: %(length)s", { length });
    const entries = [["key-own", gettext("booting a kernel of its own")], ["key-house", gettext("the rest of the VM")], ["key-box", gettext("the container")],
      ["key-dot", dots], ["key-guess", gettext("what you guessed")]];
    if (count > 1) entries.push(["key-median", gettext("median of %(count)s learners", { count })]);
    return h("ul", { class: "key" }, entries.map(([mark, text]) => h("li", {}, h("span", { class: `key-mark ${mark}`, "aria-hidden": "true" }), text)));
  }

  #table() {
    const place = this.panel.querySelector("[data-table]");
    if (!this.#last) return place.replaceChildren();
    const { vm, container } = this.#last.outcome.sides;
    const rows = ROWS.map(([name, read, figure]) =>
      [name, [read(vm), read(container), figure && figure !== "below" ? ratio(vm[figure], container[figure]) : "–"], figure === "below" ? "below" : null]);
    const caption = this.#runs.length > 1 ? gettext("The latest run") : gettext("What was measured");
    place.replaceChildren(
      sheet(caption, [vm.emulated ? gettext("%(name)s (emulated)", { name: "VM" }) : "VM", gettext("Container"), gettext("VM ÷ container")], rows),
      methods(this.#last.values),
      saveButtons(this.panel, "race", () => valueRows(this.#runs.flatMap(({ values }) => values))));
  }
}

/** Wire a race panel. */
export function startRace(panel, runs, machines) {
  return new Race(panel, runs, machines);
}
