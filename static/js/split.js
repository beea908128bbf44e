// The separator between text and machines; its place is kept per layout.
import { startSeparator } from "./separator.js";

/** Make `.split` of the lesson work. */
export function startSplit(lesson) {
  const bar = lesson.querySelector(".split");
  if (!bar) return;
  const usual = Number.parseFloat(getComputedStyle(lesson).getPropertyValue("--text-share")) || 42;
  startSeparator(bar, { frame: lesson, property: "--text-share", name: `split.${lesson.dataset.layout}`, usual });
}
