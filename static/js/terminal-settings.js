// What a learner has set for terminals, kept in this browser and shared by all of its tabs.
import { keep, recall } from "./kept.js";

const SMALLEST_PX = 9;
const LARGEST_PX = 28;
const USUAL_PX = 14;

const prefers = (query) => matchMedia(query).matches;

// Name: where it is kept, and what holds until it is set.
const SWITCHES = {
  copyOnSelect: ["terminal-copy-select", () => false],
  reader: ["terminal-reader", () => false],
  contrast: ["terminal-contrast", () => prefers("(prefers-contrast: more)")],
  still: ["terminal-still", () => prefers("(prefers-reduced-motion: reduce)")],
  programsCopy: ["terminal-programs-copy", () => false],
};
const SIZE = "terminal-px";

/** Events: "change" after each change, also one made in another tab. */
class TerminalSettings extends EventTarget {
  constructor() {
    super();
    // Storage events come only from other tabs.
    addEventListener("storage", ({ key }) => key?.startsWith("slipway.terminal-") && this.#changed());
  }

  get fontPx() {
    return clamped(Number(recall(SIZE, USUAL_PX)) || USUAL_PX);
  }

  set fontPx(pixels) {
    keep(SIZE, clamped(pixels));
    this.#changed();
  }

  /** Whether the switch `name` is on: copyOnSelect, reader, contrast, still or programsCopy. */
  on(name) {
    const [key, usual] = SWITCHES[name];
    const kept = recall(key);
    return kept === null ? usual() : kept === "true";
  }

  toggle(name) {
    keep(SWITCHES[name][0], !this.on(name));
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function clamped(pixels) {
  return Math.min(LARGEST_PX, Math.max(SMALLEST_PX, Math.round(pixels)));
}

export const settings = new TerminalSettings();
