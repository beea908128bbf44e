// The terminals of the lesson's machines: made when the machines are usable, thrown away with them.
import { copyText } from "./clipboard.js";
import { ask } from "./dialog.js";
import { settings } from "./terminal-settings.js";
import { TerminalView } from "./terminal.js";
import { gettext, listed, ngettext } from "./words.js";

const PROMPT_WAIT_MS = 5_000;
const PROMPT_LOOK_MS = 50;

const NOT_TAKEN = [gettext("The terminal was closed: something was sent that it does not take."), gettext("Connect again")];
const CLOSED = {
  1007: NOT_TAKEN,
  1008: NOT_TAKEN,
  1009: [gettext("The terminal was closed: too much was sent at once."), gettext("Connect again")],
  4401: [gettext("The terminal needs you to be signed in. Load the page again."), null],
  4403: [gettext("This terminal belongs to someone else."), null],
  4404: [gettext("This machine is not running."), gettext("Connect again")],
  4410: [gettext("The machine behind this terminal has ended. Reset gives you a new one."), gettext("Connect again")],
  4429: [gettext("Too many terminals are open. Close one in another tab, then connect again."), gettext("Connect again")],
};

const keyOf = ({ dataset }) => `${dataset.machine}/${dataset.terminal ?? "main"}`;
const nameOf = ({ dataset }) => dataset.title ?? dataset.machine;

/**
 * `lines` says what is wrong with the terminal in view. Handlers: `modified(data)` answers what
 * is sent for typed text, `files(panel, list)` sends files, `mark(panel, what)` marks its tab, `over(panel, code)` is told that
 * the shell of an extra terminal ended, `recording(panel, bool)` whether it is recorded, `keysOf(panel)` answers the actions of its keys.
 */
export class Terminals {
  #views = new Map();
  #said = new Map();
  #sandboxId = null;
  #current = null;

  constructor(lines, handlers) {
    Object.assign(this, { lines, handlers });
    // The engine is back: nobody waits for the next try.
    document.addEventListener("slipway:host", ({ detail }) => detail.available && this.all.forEach((view) => view.retryNow()));
  }

  /** The terminal that has, or would get, the keyboard; null while a preview has it. */
  get current() {
    return this.#views.get(this.#current) ?? null;
  }

  get all() {
    return [...this.#views.values()];
  }

  /** Have a terminal of this sandbox in each of `panels`; none with null. */
  follow(sandboxId, panels) {
    const same = sandboxId === this.#sandboxId;
    this.#sandboxId = sandboxId;
    const wanted = new Map(sandboxId ? panels.map((panel) => [keyOf(panel), panel]) : []);
    for (const key of [...this.#views.keys()]) {
      if (!same || !wanted.has(key)) this.#end(key);
    }
    if (!same) this.lines.clear("terminal");
    for (const [key, panel] of wanted) {
      if (!this.#views.has(key)) this.#views.set(key, this.#begin(key, panel));
    }
  }

  #begin(key, panel) {
    return new TerminalView(panel, this.#sandboxId, {
      line: (line) => this.#hear(key, line),
      recording: (on) => this.handlers.recording(panel, on),
      onlookers: (names) => this.#sayOnlookers(key, panel, names),
      over: (code) => this.handlers.over(panel, code),
      mark: (what) => this.handlers.mark(panel, what),
      files: (files) => this.handlers.files(panel, files),
      wantsCopy: (text) => this.#wantsCopy(panel.dataset.machine, text),
      modified: this.handlers.modified,
      keys: this.handlers.keysOf(panel),
    });
  }

  #end(key) {
    this.#views.get(key).dispose();
    this.#views.delete(key);
    this.#said.delete(key);
    this.lines.clear(`onlookers of ${key}`);
  }

  /** Whoever is looked at knows it, whichever terminal is in view, as long as it lasts. */
  #sayOnlookers(key, panel, names) {
    if (names.length === 0) return this.lines.clear(`onlookers of ${key}`);
    const values = { names: listed(names), terminal: nameOf(panel) };
    this.lines.show(`onlookers of ${key}`, {
      text: ngettext("%(names)s is looking at this terminal (%(terminal)s). They can't type.", "%(names)s are looking at this terminal (%(terminal)s). They can't type.", names.length, values),
      sign: "eye",
    });
  }

  /** The panels in view, and the one of them that has the keyboard (null while a preview has). */
  look(panels, current) {
    this.#current = current ? keyOf(current) : null;
    for (const panel of panels) this.#views.get(keyOf(panel))?.refit();
    this.#say();
  }

  /** The terminal in `panel`. */
  in(panel) {
    return this.#views.get(keyOf(panel)) ?? null;
  }

  /** The terminal in `panel` once its shell waits for a command, or as it is after a while. */
  async ready(panel) {
    const view = this.in(panel);
    const until = performance.now() + PROMPT_WAIT_MS;
    while (view && !view.marks.seen && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, PROMPT_LOOK_MS));
    }
    return view;
  }

  /** A program on `machine` asks for the clipboard: as set, done and said, or only offered. */
  #wantsCopy(machine, text) {
    const said = (words, actions = []) => this.lines.show("clipboard", {
      text: words,
      actions: [...actions, { label: gettext("Got it"), onclick: () => this.lines.clear("clipboard") }],
    });
    if (settings.on("programsCopy")) {
      copyText(text).then((done) => done && said(gettext("A program on %(machine)s put %(length)s characters on your clipboard.", { machine, length: text.length })));
      return;
    }
    said(gettext("A program on %(machine)s wants to put text on your clipboard.", { machine }), [
      { label: gettext("Show it"), onclick: () => this.#offerCopy(machine, text) },
    ]);
  }

  async #offerCopy(machine, text) {
    this.lines.clear("clipboard");
    const yes = await ask({
      title: gettext("Copy this text?"),
      text: gettext("A program on %(machine)s asks for it. It goes to your computer's clipboard.", { machine }),
      sample: text,
      yes: gettext("Copy"),
      no: gettext("Leave it"),
    });
    if (yes) await copyText(text);
  }

  #hear(key, line) {
    this.#said.set(key, line ? { ...line, at: performance.now() } : null);
    if (key === this.#current) this.#say();
  }

  #say() {
    const line = this.#said.get(this.#current);
    if (!line) {
      this.lines.clear("terminal");
      return;
    }
    const view = this.current;
    const again = (label) => [{ label, onclick: () => (view.reconnect(), view.focus()) }];
    this.lines.show("terminal", words(line, nameOf(view.panel), view, again));
  }
}

function words(line, machine, view, again) {
  if (line.kind === "lost") {
    const actions = [{ label: gettext("Try now"), onclick: () => view.retryNow() }];
    return { text: gettext("Connection lost, trying again in {s} s…"), until: line.at + line.milliseconds, bad: true, actions };
  }
  if (line.kind === "readonly") return { text: gettext("You are watching %(machine)s; typing is off.", { machine }) };
  if (line.kind === "exit") {
    return { text: gettext("The shell on %(machine)s ended with exit %(code)s; a new one begins.", { machine, code: line.code }), actions: again(gettext("Connect again")) };
  }
  if (line.kind === "error") {
    const text = [line.error.message, line.error.hint].filter(Boolean).join(" ");
    return { text, bad: true, actions: again(gettext("Connect again")) };
  }
  const [text, label] = CLOSED[line.code] ?? [gettext("The terminal was closed."), gettext("Connect again")];
  return { text, bad: true, actions: label ? again(label) : [] };
}
