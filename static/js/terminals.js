// The terminals of the lesson's machines: made when the machines are usable, thrown away with them.
import { copyText } from "./clipboard.js";
import { ask } from "./dialog.js";
import { settings } from "./terminal-settings.js";
import { TerminalView } from "./terminal.js";

const PROMPT_WAIT_MS = 5_000;
const PROMPT_LOOK_MS = 50;

const CLOSED = {
  1008: ["The terminal was closed: something was sent that it does not take.", "Connect again"],
  1009: ["The terminal was closed: too much was sent at once.", "Connect again"],
  4401: ["The terminal needs you to be signed in. Load the page again.", null],
  4403: ["This terminal belongs to someone else.", null],
  4404: ["This machine is not running.", "Connect again"],
  4408: ["The terminal was closed because nothing happened in it for long.", "Connect again"],
  4410: ["The machine behind this terminal has ended. Reset gives you a new one.", "Connect again"],
  4429: ["Too many terminals are open. Close one in another tab, then connect again.", "Connect again"],
};

/**
 * `lines` says what is wrong with the terminal in view, `leave(machine)` takes the focus out,
 * `modified(data)` answers what is sent for typed text.
 */
export class Terminals {
  #views = new Map();
  #said = new Map();
  #sandboxId = null;
  #current = null;

  constructor(panels, lines, { leave, modified }) {
    Object.assign(this, { panels, lines, leave, modified });
  }

  get current() {
    return this.#views.get(this.#current) ?? null;
  }

  get all() {
    return [...this.#views.values()];
  }

  /** Have terminals for this sandbox, or none with null. */
  follow(sandboxId) {
    if (sandboxId === this.#sandboxId) return;
    this.#sandboxId = sandboxId;
    for (const view of this.#views.values()) view.dispose();
    this.#views.clear();
    this.#said.clear();
    this.lines.clear("terminal");
    if (!sandboxId) return;
    for (const panel of this.panels) {
      const machine = panel.dataset.machine;
      const handlers = {
        line: (line) => this.#hear(machine, line),
        wantsCopy: (text) => this.#wantsCopy(machine, text),
        modified: this.modified,
        keys: { leave: () => this.leave(machine) },
      };
      this.#views.set(machine, new TerminalView(panel, sandboxId, handlers));
    }
  }

  /** The machine whose terminal is in view; null while a preview is. */
  look(machine) {
    this.#current = machine;
    this.current?.refit();
    this.#say();
  }

  /** The terminal of `machine` once its shell waits for a command, or as it is after a while. */
  async ready(machine) {
    const view = this.#views.get(machine);
    const until = performance.now() + PROMPT_WAIT_MS;
    while (view && !view.marks.seen && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, PROMPT_LOOK_MS));
    }
    return view ?? null;
  }

  /** A program on `machine` asks for the clipboard: as set, done and said, or only offered. */
  #wantsCopy(machine, text) {
    const said = (words, actions = []) => this.lines.show("clipboard", {
      text: words,
      actions: [...actions, { label: "Got it", onclick: () => this.lines.clear("clipboard") }],
    });
    if (settings.on("programsCopy")) {
      copyText(text).then((done) => done && said(`A program on ${machine} put ${text.length} characters on your clipboard.`));
      return;
    }
    said(`A program on ${machine} wants to put text on your clipboard.`, [
      { label: "Show it", onclick: () => this.#offerCopy(machine, text) },
    ]);
  }

  async #offerCopy(machine, text) {
    this.lines.clear("clipboard");
    const yes = await ask({
      title: "Copy this text?",
      text: `A program on ${machine} asks for it. It goes to your computer's clipboard.`,
      sample: text,
      yes: "Copy",
      no: "Leave it",
    });
    if (yes) await copyText(text);
  }

  #hear(machine, line) {
    this.#said.set(machine, line ? { ...line, at: performance.now() } : null);
    if (machine === this.#current) this.#say();
  }

  #say() {
    const line = this.#said.get(this.#current);
    if (!line) {
      this.lines.clear("terminal");
      return;
    }
    const view = this.current;
    const again = (label) => [{ label, onclick: () => (view.reconnect(), view.focus()) }];
    this.lines.show("terminal", words(line, this.#current, view, again));
  }
}

function words(line, machine, view, again) {
  if (line.kind === "lost") {
    const actions = [{ label: "Try now", onclick: () => view.retryNow() }];
    return { text: "Connection lost, trying again in {s} s…", until: line.at + line.milliseconds, bad: true, actions };
  }
  if (line.kind === "readonly") return { text: `You are watching ${machine}; typing is off.` };
  if (line.kind === "exit") {
    return { text: `The shell on ${machine} ended with exit ${line.code}.`, actions: again("Open a new shell") };
  }
  if (line.kind === "error") {
    const text = [line.error.message, line.error.hint].filter(Boolean).join(" ");
    return { text, bad: true, actions: again("Connect again") };
  }
  const [text, label] = CLOSED[line.code] ?? ["The terminal was closed.", "Connect again"];
  return { text, bad: true, actions: label ? again(label) : [] };
}
