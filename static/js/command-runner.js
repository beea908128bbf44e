// Commands that the page types for the learner, and what became of them.
import { withoutControls } from "./terminal-paste.js";

const CLEAR_LINE = "\x15";
const INTERRUPTED = 130;

/** Types into one terminal. `marks` are its shell marks, `send(text)` types bytes as they are. */
export class CommandRunner {
  #typedAtPrompt = false;

  constructor(term, marks, send) {
    Object.assign(this, { term, marks, send });
  }

  /** The learner typed: a command typed by the page must not be appended to that. */
  typed() {
    if (this.marks.atPrompt) this.#typedAtPrompt = true;
  }

  /** The prompt is back and empty. */
  finished() {
    this.#typedAtPrompt = false;
  }

  /**
   * Type commands, each with Enter. Several are sent one after the other, so that each gets
   * a prompt and an exit of its own. `outcome` resolves with `{exit, seconds}`, the first
   * failure's exit, or with null when the end can't be seen (no prompt marks, or a program
   * has the terminal; then `tracked` is false).
   */
  run(commands) {
    const tracked = this.marks.atPrompt;
    return { tracked, outcome: tracked ? this.#runEach(commands) : this.#typeAll(commands) };
  }

  async #typeAll(commands) {
    for (const command of commands) this.#enter(command);
    return null;
  }

  async #runEach(commands) {
    const total = { exit: 0, seconds: 0 };
    for (const command of commands) {
      if (this.#typedAtPrompt) this.send(CLEAR_LINE);
      const next = this.marks.next();
      this.#enter(command);
      const outcome = await next;
      if (!outcome) return null;
      total.exit ||= outcome.exit;
      total.seconds += outcome.seconds;
      // Ctrl+C means "no more of this", also for the commands that would follow.
      if (outcome.exit === INTERRUPTED) break;
    }
    return total;
  }

  #enter(command) {
    const text = withoutControls(command);
    // As a paste, so that a shell takes several lines as one and no tab completes.
    if (/[\n\t]/.test(text)) this.term.paste(text);
    else this.send(text);
    this.marks.entered();
    this.send("\r");
    this.term.scrollToBottom();
  }
}
