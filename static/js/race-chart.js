// The race as a drawing: bars of stages on one axis of seconds, runs as dots, guesses as hollow diamonds.
import { secs } from "./figures.js";
import { axisEnd, diamond, drawing, hatch, percent, s } from "./svg.js";
import { gettext } from "./words.js";

const PLOT = 0.96;
const ROW = 92;
const TOP = 6;
const BAR = 20;
// The stage that ends when the guest's own kernel has booted.
const KERNEL_STAGE = "init";
const STAGE_WORDS = {
  qemu: gettext("start QEMU"), kernel: gettext("load its kernel"), init: gettext("boot its kernel"), prompt: gettext("QEMU, init and prompt"),
  create: gettext("create"), start: gettext("start"),
};

const steps = (stages) => stages.map(({ name, seconds }, index) => ({ name, from: index ? stages[index - 1].seconds : 0, to: seconds }));

function note(side, { stages }) {
  const said = steps(stages).filter(({ from, to }) => to - from >= 0.005)
    .map(({ name, from, to }) => `${STAGE_WORDS[name] ?? name} ${(to - from).toFixed(2)}`);
  if (side === "container") said.push(gettext("no kernel to boot"));
  return said.join(" · ");
}

function bar(side, stages, until, scale, y) {
  const parts = steps(stages);
  const last = parts.length ? parts.at(-1).to : 0;
  if (until > last) parts.push({ name: "now", from: last, to: until });
  return parts.map(({ name, from, to }) => s("rect", {
    class: side === "container" ? "b-box" : name === KERNEL_STAGE || name === "now" ? "b-house-own" : "b-house",
    x: percent(scale(from)), y, height: BAR, width: percent(Math.max(0, scale(to) - scale(from))),
  }));
}

function dots(runs, scale, y) {
  return runs.map((seconds) => s("circle", { class: "run-dot", cx: percent(scale(seconds)), cy: y, r: 3.5 }));
}

function guess(value, scale, y) {
  if (value === null) return [];
  const at = scale(value);
  const side = at > 0.6 ? { dx: -12, "text-anchor": "end" } : { dx: 12 };
  return [
    s("line", { class: "guess-line", x1: percent(at), x2: percent(at), y1: y - 34, y2: y - 6 }), diamond(at, y),
    s("text", { x: percent(at), y: y + 5, ...side }, gettext("your guess %(value)s s", { value })),
  ];
}

function median(value, scale, y) {
  if (!value) return [];
  const at = percent(scale(value));
  return [s("line", { class: "median", x1: at, x2: at, y1: y - 5, y2: y + BAR + 5 })];
}

function row(side, model, scale, index) {
  const y = TOP + index * ROW;
  const head = side === "container" ? gettext("Container") : model.emulated ? gettext("VM, emulated") : "VM";
  const value = model.seconds ?? null;
  return s("g", {},
    s("text", { class: "name", x: 0, y: y + 13 }, head),
    s("text", { class: "val", x: "100%", y: y + 15, "text-anchor": "end" }, value === null ? (model.until ? secs(model.until) : "") : secs(value)),
    ...bar(side, model.stages, value === null ? model.until : 0, scale, y + 22),
    ...median(model.median, scale, y + 22), ...dots(model.runs, scale, y + 22 + BAR / 2),
    ...guess(model.guess, scale, y + 64));
}

function axis(end, scale, height) {
  // 1, 2.5, 5 and 10 divide well by five, 2 by four.
  const parts = /^2(\D|$)|^0\.0*2$/.test(String(end)) && !String(end).includes("5") ? 4 : 5;
  const ticks = Array.from({ length: parts + 1 }, (_, index) => (index * end) / parts);
  return ticks.flatMap((tick, index) => [
    s("line", { class: index ? "grid" : "zero", x1: percent(scale(tick)), x2: percent(scale(tick)), y1: TOP + 20, y2: height - 22 }),
    s("text", { x: percent(scale(tick)), y: height - 4, "text-anchor": index ? "middle" : "start" }, `${Math.round(tick * 1000) / 1000}${index === parts ? " s" : ""}`),
  ]);
}

function told(side, { seconds, guess: guessed }) {
  const name = side === "vm" ? "VM" : gettext("Container");
  if (seconds === null || seconds === undefined) {
    return guessed === null ? gettext("%(name)s: not measured yet.", { name }) : gettext("%(name)s: not measured yet, you guessed %(guessed)s s.", { name, guessed });
  }
  const time = secs(seconds);
  return guessed === null ? `${name}: ${time}.` : gettext("%(name)s: %(time)s, you guessed %(guessed)s s.", { name, time, guessed });
}

/**
 * Draw the race. `sides` is {vm, container}, each {stages, seconds, until, runs, median, guess,
 * emulated}: `until` is how far a start that still goes on has come.
 */
export function raceChart(sides) {
  const all = Object.values(sides).flatMap(({ seconds, until, runs, median: middle, guess: guessed }) => [seconds, until, middle, guessed, ...runs]);
  const end = axisEnd(Math.max(0.5, ...all.filter((value) => Number.isFinite(value))));
  const scale = (value) => (Math.min(value, end) / end) * PLOT;
  const height = TOP + 2 * ROW + 22;
  return drawing(height, gettext("Time to a prompt"), Object.entries(sides).map(([side, model]) => told(side, model)).join(" "),
    hatch("hatch-race"), ...axis(end, scale, height), row("vm", sides.vm, scale, 0), row("container", sides.container, scale, 1));
}

export { note as stageNote };
