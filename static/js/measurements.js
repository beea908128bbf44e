// The panels of a lesson that measure: race, density, survival, live values, the stack.
import { startDensity } from "./density.js";
import { LiveValues } from "./live-values.js";
import { startRace } from "./race.js";
import { Runs } from "./runs.js";
import { startSurvival } from "./survival.js";

const STARTERS = { race: startRace, fit: startDensity, survive: startSurvival };

/** Wire every panel of the page; `machines` is the machine pane. */
export function startMeasurements(page, machines) {
  const runs = new Runs(page, machines.state);
  const panels = [...document.querySelectorAll("[data-measure]")];
  for (const panel of panels) STARTERS[panel.dataset.measure]?.(panel, runs, machines);
  const live = panels.filter((panel) => !(panel.dataset.measure in STARTERS));
  if (document.querySelector('[data-measure="race"]')) startSideBySide(machines);
  const diagrams = [...document.querySelectorAll("[data-diagram]")];
  if (live.length || diagrams.length) new LiveValues(live, diagrams, runs, machines);
}

/** A race has two sides: both terminals are in view as soon as they are there. */
function startSideBySide(machines) {
  const { state } = machines;
  state.addEventListener("change", ({ detail }) => {
    if (state.usable && !["ready", "expiring"].includes(detail.before)) machines.showBoth();
  });
  if (state.usable) machines.showBoth();
}
