// Find in the terminal's output.
import { SearchAddon } from "../vendor/addon-search/addon-search.mjs";
import { h, icon } from "./markup.js";
import { gettext } from "./words.js";

/** A find box over one terminal; made on first use. */
export class TerminalSearch {
  #addon = new SearchAddon();
  #box = null;

  constructor(term, panel) {
    this.term = term;
    this.panel = panel;
    term.loadAddon(this.#addon);
  }

  show() {
    this.#box ??= this.#make();
    this.#box.hidden = false;
    this.#box.querySelector("input").select();
  }

  hide() {
    if (this.#box) this.#box.hidden = true;
    this.#addon.clearDecorations();
    this.term.focus();
  }

  #make() {
    const field = h("input", { type: "text", "aria-label": gettext("Find in the terminal") });
    const previous = () => this.#addon.findPrevious(field.value);
    const next = () => this.#addon.findNext(field.value);
    const button = (name, label, onclick) =>
      h("button", { class: "btn btn-small btn-bare", type: "button", "aria-label": label, onclick }, icon(name));
    const onkeydown = (event) => {
      if (event.key === "Escape") this.hide();
      else if (event.key === "Enter") (event.shiftKey ? next : previous)();
      else return;
      event.preventDefault();
    };
    field.addEventListener("input", () => this.#addon.findPrevious(field.value, { incremental: true }));
    const box = h(
      "div",
      { class: "find", role: "search", onkeydown },
      field,
      button("up", gettext("Earlier"), previous),
      button("down", gettext("Later"), next),
      button("close", gettext("Close find"), () => this.hide()),
    );
    this.panel.append(box);
    return box;
  }
}
