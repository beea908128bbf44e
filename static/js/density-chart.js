// How many fit, as a drawing: one budget of memory a side, a cell for each that was started.
import { mib } from "./figures.js";
import { diamond, drawing, percent, s } from "./svg.js";
import { gettext, ngettext } from "./words.js";

const ROW = 96;
const TOP = 4;
const GAUGE = 34;
export const counted = (side, count) =>
  side === "vm" ? ngettext("%(count)s VM", "%(count)s VMs", count) : ngettext("%(count)s container", "%(count)s containers", count);

/** Cells as wide as what each one took. */
function cells(side, { count, used }, budget, y) {
  const each = count ? used / count / budget : 0;
  return Array.from({ length: count }, (_, index) => s("rect", {
    class: side === "vm" ? "b-house" : "b-box", x: percent(index * each), y, width: percent(each), height: GAUGE,
  }));
}

/** Where a guess would end, if each one took what was measured; at the edge when it is beyond. */
function guess(side, model, budget, y) {
  if (model.guess === null || !model.count) return [];
  const share = (model.guess * model.used) / model.count / budget;
  const beyond = share > 1;
  const at = Math.min(1, share);
  const guessed = { guess: model.guess };
  const text = beyond ? gettext("your guess %(guess)s, beyond the budget", guessed) : gettext("your guess %(guess)s", guessed);
  return [s("line", { class: "guess-line", x1: percent(at), x2: percent(at), y1: y - 4, y2: y + GAUGE + 4 }), diamond(at, y + GAUGE + 10),
    s("text", { x: percent(at), y: y + GAUGE + 15, ...(at > 0.5 ? { dx: -12, "text-anchor": "end" } : { dx: 12 }) }, text)];
}

function row(side, model, budget, index) {
  const y = TOP + index * ROW;
  const count = counted(side, model.count);
  const each = model.count ? gettext("%(memory)s each", { memory: mib(model.used / model.count) }) : "";
  return s("g", {},
    s("text", { class: "name", x: 0, y: y + 16 }, model.emulated ? gettext("%(count)s, emulated", { count }) : count),
    s("text", { class: "val", x: "100%", y: y + 16, "text-anchor": "end" }, each),
    s("rect", { class: "gauge", x: 0, y: y + 26, width: "100%", height: GAUGE }),
    ...cells(side, model, budget, y + 26), ...guess(side, model, budget, y + 26));
}

/** `sides` is {vm, container}, each {count, used (bytes), emulated, guess}. */
export function densityChart(sides, budget) {
  const told = Object.entries(sides).map(([side, { count, used }]) => gettext("%(count)s in %(used)s.", { count: counted(side, count), used: mib(used) })).join(" ");
  const height = TOP + 2 * ROW + 14;
  return drawing(height, gettext("What fits into %(budget)s", { budget: mib(budget) }), told, row("vm", sides.vm, budget, 0), row("container", sides.container, budget, 1),
    s("text", { x: 0, y: height - 2 }, "0"), s("text", { x: "100%", y: height - 2, "text-anchor": "end" }, gettext("the budget: %(budget)s", { budget: mib(budget) })));
}
