// The lesson page: reads its data and starts what the page has.
import { startAutomaticChecks } from "./automatic-checks.js";
import { startCommands } from "./commands.js";
import { startDock } from "./dock.js";
import { startGlossary } from "./glossary.js";
import { startLessonKeys } from "./lesson-keys.js";
import { startPredictions } from "./predictions.js";
import { startQuizzes } from "./quizzes.js";
import { startSplit } from "./split.js";
import { startTasks } from "./tasks.js";

const page = JSON.parse(document.getElementById("lesson-data").textContent);
const lesson = document.querySelector(".lesson");

async function startMachines() {
  if (!document.getElementById("machines")) return null;
  startSplit(lesson);
  const dock = startDock(lesson);
  // Lessons without machines never load the terminal.
  const measures = document.querySelector("[data-measure], [data-diagram]") !== null;
  const [{ Machines }, measurements] = await Promise.all([
    import("./machines.js"), measures ? import("./measurements.js") : null,
  ]);
  const machines = new Machines(page, lesson, dock);
  measurements?.startMeasurements(page, machines);
  return machines;
}

startGlossary();
startLessonKeys();
startQuizzes(page);
startPredictions(page);
const machines = await startMachines();
startCommands(machines);
startAutomaticChecks(startTasks(page, machines));
document.documentElement.dataset.lesson = "started";
