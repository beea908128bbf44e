// The lesson's own keys: to the next open task, and check it.
import { addShortcut } from "./shortcuts.js";
import { gettext } from "./words.js";

const openTasks = () => [...document.querySelectorAll(".task:not([data-state=passed])")];

function toNext() {
  const tasks = openTasks();
  const at = tasks.findIndex((task) => task.contains(document.activeElement));
  const task = tasks[(at + 1) % tasks.length];
  task?.scrollIntoView({ block: "nearest" });
  task?.querySelector("h3")?.focus();
}

function check() {
  const task = openTasks().find((each) => each.contains(document.activeElement)) ?? openTasks()[0];
  task?.scrollIntoView({ block: "nearest" });
  task?.querySelector('[data-action="check"]')?.click();
}

/** Only where the lesson has tasks. */
export function startLessonKeys() {
  if (!document.querySelector(".task")) return;
  addShortcut({ key: "t", label: gettext("To the next open task"), action: toNext });
  addShortcut({ key: "c", label: gettext("Check the task you are at"), action: check });
}
