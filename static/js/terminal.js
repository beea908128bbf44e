// One terminal of a machine: xterm.js on one side, the terminal socket on the other.
import { AnswerTurn } from "./answer-turn.js";
import { copyText } from "./clipboard.js";
import { CommandRunner } from "./command-runner.js";
import { hearPrograms } from "./programs-copy.js";
import { ShellMarks } from "./shell-marks.js";
import { copyOnSelect, copySelection, handleKeys } from "./terminal-keys.js";
import { handleLinks } from "./terminal-links.js";
import { TerminalPaste } from "./terminal-paste.js";
import { TerminalQueries } from "./terminal-queries.js";
import { applySettings, openScreen } from "./terminal-screen.js";
import { TerminalSearch } from "./terminal-search.js";
import { TerminalSize } from "./terminal-size.js";
import { settings } from "./terminal-settings.js";
import { TerminalSocket } from "./terminal-socket.js";
import { showAsText } from "./terminal-text.js";
import { gettext } from "./words.js";

const REDRAWN_MS = 1_500;
const SHELL_ENDED = 1000;

/**
 * `panel` holds one `[data-term]` element. Handlers: `line(state)` tells what to say above the
 * terminal: null, or `{kind: "lost", milliseconds}`, `{kind: "exit", code}`, `{kind: "error",
 * error}`, `{kind: "ended", code}`, `{kind: "readonly"}`; `wantsCopy(text)` that a program asks
 * for the clipboard; `files(list)` that files were pasted; `mark("news" | "bell")` that something came; `over(code)` that the shell of
 * an extra terminal ended (null: nobody said how); `recording(bool)` whether what is seen is kept; `onlookers(names)` who looks on; `modified(data)` answers what is sent for typed text; `keys` are the
 * actions of `handleKeys` that lead out of this terminal.
 */
export class TerminalView {
  #path;
  #handlers;
  #socket = null;
  #size;
  #runner;
  #turn;
  #queries;
  #gone = new AbortController();
  #quietUntil = 0;

  constructor(panel, sandboxId, handlers) {
    this.panel = panel;
    this.machine = panel.dataset.machine;
    this.#handlers = handlers;
    this.#path = TerminalSocket.path(sandboxId, this.machine, panel.dataset.terminal ?? "main");
    this.#turn = new AnswerTurn(this.#path);
    this.term = openScreen(panel.querySelector("[data-term]"), panel.dataset.title ?? this.machine);
    this.#size = new TerminalSize(this.term, panel, {
      send: (columns, rows, claims) => this.#socket?.resize(columns, rows, claims),
      borrowed: (on) => this.#borrowed(on),
      connected: () => this.connected,
    });
    const replaying = () => this.#socket?.replaying ?? false;
    this.#queries = new TerminalQueries(this.term, () => !replaying() && this.#turn.mine);
    this.marks = new ShellMarks(this.term, { replaying, finished: (outcome) => this.#finished(outcome) });
    this.#runner = new CommandRunner(this.term, this.marks, (text) => this.#send(text));
    this.paste = new TerminalPaste(this.term, panel, this.machine, handlers.files);
    this.search = new TerminalSearch(this.term, panel);
    hearPrograms(this.term, replaying, (text) => handlers.wantsCopy(text));
    this.#listen();
    this.connect();
  }

  /** Connect anew, for example to the shell that follows one that has ended. */
  connect() {
    this.#socket?.end();
    this.#socket = new TerminalSocket(this.#path, {
      write: (bytes, done) => this.#write(bytes, done),
      reset: (modes, done) => this.#reset(modes, done),
      hello: (hello) => this.#hello(hello),
      size: (size, owner) => this.#size.changed(size, owner),
      recording: (on) => this.#handlers.recording(on),
      onlookers: (names) => this.#handlers.onlookers(names),
      exit: (code) => this.#exited(code),
      pid: () => this.#handlers.line(null),
      error: (error) => this.#handlers.line({ kind: "error", error }),
      connected: () => this.#handlers.line(null),
      lost: (milliseconds) => this.#handlers.line({ kind: "lost", milliseconds }),
      ended: (code) => this.#over(code),
    });
  }

  get connected() {
    return this.#socket?.open ?? false;
  }

  /** Start over on an empty screen. */
  reconnect() {
    this.#reset("", () => {});
    this.connect();
  }

  retryNow() {
    this.#socket?.retryNow();
  }

  focus() {
    this.term.focus();
  }

  #write(bytes, done) {
    if (!this.#socket.replaying && performance.now() > this.#quietUntil) this.#handlers.mark("news");
    this.term.write(bytes, done);
  }

  /** The terminal has come into view: fit it, and use it where this window is the one in use. */
  refit() {
    this.#size.fit();
    if (document.hasFocus()) this.#size.claim();
  }

  /** Type commands: `CommandRunner.run`, or null without a connection. */
  run(commands) {
    return this.connected ? this.#runner.run(commands) : null;
  }

  /** Copy the selection; without one, show the output as text to choose from. */
  async copyText() {
    if (copySelection(this.term)) return;
    const text = await showAsText(this.term, this.machine);
    if (text) await copyText(text);
    this.focus();
  }

  dispose() {
    this.#gone.abort();
    this.#socket?.end();
    this.#turn.end();
    this.#size.end();
    this.marks.forget();
    this.term.dispose();
    this.panel.querySelector(".find")?.remove();
  }

  #listen() {
    const { signal } = this.#gone;
    handleLinks(this.term);
    const { jumps } = this.marks;
    const own = { find: () => this.search.show(), jump: (step) => jumps.jump(step) };
    handleKeys(this.term, { ...this.#handlers.keys, ...own });
    copyOnSelect(this.term, this.panel, signal);
    this.term.onData((data) => this.#typed(data));
    this.term.onBell(() => this.#socket.replaying || this.#handlers.mark("bell"));
    this.term.onBinary((data) => this.#socket.input(data));
    this.term.onResize(() => this.#quiet());
    const apply = () => (applySettings(this.term, this.panel), this.#size.fitSoon());
    document.addEventListener("slipway:theme", apply, { signal });
    settings.addEventListener("change", apply, { signal });
  }

  #typed(data) {
    if (this.#queries.answering) {
      this.#socket.input(data);
      return;
    }
    this.#turn.take();
    this.#size.claim();
    this.#runner.typed();
    const text = this.#handlers.modified(data);
    if (text.endsWith("\r")) this.marks.entered();
    this.#socket.input(text);
  }

  #send(text) {
    this.#turn.take();
    this.#socket.input(text);
  }

  #borrowed(on) {
    this.panel.classList.toggle("is-borrowed", on);
    this.panel.dataset.borrowed = gettext("The size is another window's. Type here to take it over.");
  }

  /** What is drawn anew because of a connection or a new size is no news. */
  #quiet() {
    this.#quietUntil = performance.now() + REDRAWN_MS;
  }

  #hello(hello) {
    this.#quiet();
    this.term.options.disableStdin = hello.readonly;
    this.#handlers.line(hello.readonly ? { kind: "readonly" } : null);
    this.#handlers.recording(hello.recording);
    this.#size.hello(hello);
  }

  #reset(modes, done) {
    // RIS travels in the same queue as the bytes; Terminal.reset() would overtake them.
    this.term.write(`\x1bc${modes}`, () => {
      this.marks.forget();
      done();
    });
  }

  #exited(code) {
    if (this.panel.dataset.terminal) this.#handlers.over(code);
    else this.#ended({ kind: "exit", code });
  }

  /** The connection is over, that of an extra terminal because its shell has ended. */
  #over(code) {
    if (code === SHELL_ENDED && this.panel.dataset.terminal) this.#handlers.over(null);
    else this.#ended({ kind: "ended", code });
  }

  #ended(line) {
    this.marks.forget();
    this.#handlers.line(line);
  }

  #finished(outcome) {
    this.#runner.finished();
    const detail = { machine: this.machine, terminal: this.panel.dataset.terminal ?? "main", ...outcome };
    document.dispatchEvent(new CustomEvent("slipway:command", { detail }));
  }
}
