// Shell integration: OSC 133 marks in the stream tell prompts and commands apart.
// A prompt starts, B prompt ends, C command starts, D;<exit> command ended
// (FinalTerm's semantic prompt marks, as documented by iTerm2 and VS Code).
import { PromptJumps } from "./prompt-jumps.js";
import { gettext } from "./words.js";

const OSC_SEMANTIC_PROMPT = 133;
// A command longer than this is shown cut.
const COMMAND_ROWS = 8;
const COMMAND_CHARACTERS = 400;

/**
 * Follows the marks of one terminal. `replaying()` says whether the bytes being parsed are
 * history: those draw marks but are no news. `finished({command, exit, seconds})` is called once
 * the prompt is back; several commands of one paste count as one, with the first failure's exit.
 */
export class ShellMarks {
  #term;
  #handlers;
  #promptMarker = null;
  #promptEnd = null;
  #ranMarker = null;
  #command = "";
  #enteredAt = null;
  #startedAt = null;
  #exits = [];
  #waiting = [];

  constructor(term, handlers) {
    this.#term = term;
    this.#handlers = handlers;
    /** The way from prompt to prompt. */
    this.jumps = new PromptJumps(term);
    /** Whether the shell has ever sent a mark. */
    this.seen = false;
    /** Whether the shell waits for a command. */
    this.atPrompt = false;
    term.parser.registerOscHandler(OSC_SEMANTIC_PROMPT, (data) => this.#mark(data));
  }

  /** Resolves with the outcome of the command that is about to be sent. */
  next() {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Enter was sent: from here the learner waits, so from here the command's seconds count. */
  entered() {
    if (this.atPrompt) this.#enteredAt = performance.now();
  }

  /** The screen was reset or the shell is gone: whoever waits learns nothing. */
  forget() {
    this.#promptMarker = null;
    this.#promptEnd = null;
    this.#enteredAt = null;
    this.#startedAt = null;
    this.#exits = [];
    this.atPrompt = false;
    this.#settle(null);
  }

  #mark(data) {
    this.seen = true;
    const [kind, exit] = data.split(";");
    if (kind === "A") this.#promptMarker = this.#prompt();
    else if (kind === "B") this.#promptShown();
    else if (kind === "C") this.#commandStarted();
    else if (kind === "D") this.#commandEnded(exit);
    return true;
  }

  #markerHere() {
    return this.#term.buffer.active.type === "normal" ? (this.#term.registerMarker(0) ?? null) : null;
  }

  #prompt() {
    const marker = this.#markerHere();
    if (marker) this.jumps.add(marker);
    return marker;
  }

  #commandStarted() {
    this.atPrompt = false;
    if (this.#startedAt !== null) return;
    // C and D often come in one frame; the time between their parsing would say 0.
    this.#startedAt = this.#enteredAt ?? performance.now();
    this.#enteredAt = null;
    this.#ranMarker = this.#promptMarker;
    this.#command = this.#typed();
  }

  /** What stands between the prompt's end and the cursor, as the learner sees it. */
  #typed() {
    const { marker, x } = this.#promptEnd ?? {};
    if (!marker || marker.isDisposed) return "";
    const { active } = this.#term.buffer;
    const last = Math.min(active.baseY + active.cursorY, marker.line + COMMAND_ROWS);
    let text = "";
    for (let row = marker.line; row < last; row += 1) {
      const line = active.getLine(row);
      const next = active.getLine(row + 1);
      text += line.translateToString(true, row === marker.line ? x : 0);
      if (!next?.isWrapped) text += "\n";
    }
    return text.trim().slice(0, COMMAND_CHARACTERS);
  }

  #commandEnded(exitText) {
    // D without C: Enter on an empty line.
    if (this.#startedAt === null) return;
    const exit = Number.parseInt(exitText ?? "0", 10) || 0;
    this.#exits.push(exit);
  }

  #promptShown() {
    this.atPrompt = true;
    // A prompt that a shell merely draws anew carries no A; a cleared screen took its marker.
    if (!this.#promptMarker || this.#promptMarker.isDisposed) this.#promptMarker = this.#prompt();
    this.#promptEnd = { marker: this.#markerHere(), x: this.#term.buffer.active.cursorX };
    if (this.#startedAt === null || this.#exits.length === 0) return;
    const exit = this.#exits.find((code) => code !== 0) ?? 0;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    this.#startedAt = null;
    this.#exits = [];
    this.#draw(this.#ranMarker, exit);
    if (this.#handlers.replaying()) return;
    this.#settle({ exit, seconds });
    this.#handlers.finished({ command: this.#command, exit, seconds });
  }

  #settle(outcome) {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve(outcome);
  }

  #draw(marker, exit) {
    if (!marker || marker.isDisposed) return;
    this.jumps.ended(marker, exit);
    const decoration = this.#term.registerDecoration({ marker, x: 0, width: 1 });
    decoration?.onRender((element) => {
      element.classList.add("gutter-mark");
      element.classList.toggle("is-bad", exit !== 0);
      element.textContent = exit === 0 ? "✓" : "×";
      element.title = gettext("exit %(exit)s", { exit });
    });
  }
}
