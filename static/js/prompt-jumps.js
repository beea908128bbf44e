// From prompt to prompt through the output, with the one that was jumped to marked.
import { announce } from "./announce.js";
import { gettext } from "./words.js";

/** The prompts of one terminal, in the order in which they were printed. */
export class PromptJumps {
  #term;
  #prompts = [];
  #at = null;
  #here = null;

  constructor(term) {
    this.#term = term;
    // Who types is back at the last prompt.
    term.onData(() => this.#leave());
  }

  /** A prompt stands at `marker`. */
  add(marker) {
    this.#prompts.push({ marker, exit: null });
    marker.onDispose(() => {
      this.#prompts = this.#prompts.filter((prompt) => prompt.marker !== marker);
      this.#at = null;
    });
  }

  /** The command that was given at `marker` has ended. */
  ended(marker, exit) {
    const prompt = this.#prompts.find((each) => each.marker === marker);
    if (prompt) prompt.exit = exit;
  }

  /** Go `step` prompts on (-1: the one before); does nothing in a full-screen program. */
  jump(step) {
    if (this.#term.buffer.active.type !== "normal" || this.#prompts.length === 0) return;
    const last = this.#prompts.length - 1;
    const to = Math.max(0, Math.min(last, (this.#at ?? last) + step));
    this.#leave();
    this.#at = to;
    const { marker, exit } = this.#prompts[to];
    this.#term.scrollToLine(Math.max(0, marker.line - 1));
    this.#show(marker);
    const end = exit === null ? gettext("no command ended here") : gettext("exit %(exit)s", { exit });
    announce(gettext("Prompt %(to)s of %(last)s, %(end)s.", { to: to + 1, last: last + 1, end }));
  }

  #show(marker) {
    this.#here = this.#term.registerDecoration({ marker, x: 0, width: this.#term.cols }) ?? null;
    this.#here?.onRender((element) => element.classList.add("prompt-here"));
  }

  #leave() {
    this.#here?.dispose();
    this.#here = null;
    this.#at = null;
  }
}
