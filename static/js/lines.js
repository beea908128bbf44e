// The lines above the terminal: what the learner must know right now, one line a subject.
import { announce } from "./announce.js";
import { h, icon } from "./markup.js";

/** Shows at most one line per key; `show` with the same key replaces it. */
export class Lines {
  #shown = new Map();

  constructor(element) {
    this.element = element;
  }

  /**
   * `text` is said to screen readers once. `{s}` in it stands for the seconds until `until`
   * (a performance.now() time), which count down on the screen only. `sign` is an icon's name.
   */
  show(key, { text, until = null, bad = false, sign = bad ? "fail" : "clock", actions = [] }) {
    this.clear(key);
    const words = h("span", {});
    const line = h(
      "div",
      { class: `line-now${bad ? " is-bad" : ""}` },
      icon(sign),
      words,
      h("span", { class: "end" }, actions.map(({ label, action, onclick }) =>
        h("button", { class: "btn btn-small btn-dark", type: "button", "data-action": action, onclick }, label))),
    );
    const write = () => (words.textContent = text.replace("{s}", secondsUntil(until)));
    write();
    const timer = until === null ? 0 : setInterval(write, 500);
    this.#shown.set(key, { line, timer });
    this.element.append(line);
    announce(words.textContent);
  }

  clear(key) {
    const entry = this.#shown.get(key);
    if (!entry) return;
    clearInterval(entry.timer);
    entry.line.remove();
    this.#shown.delete(key);
  }

  clearAll() {
    for (const key of [...this.#shown.keys()]) this.clear(key);
  }
}

function secondsUntil(until) {
  return until === null ? "" : String(Math.max(0, Math.ceil((until - performance.now()) / 1000)));
}
