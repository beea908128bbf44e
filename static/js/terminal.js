// One machine's terminal: xterm.js on one side, the terminal socket on the other.
import { FitAddon } from "../vendor/addon-fit/addon-fit.mjs";
import { AnswerTurn } from "./answer-turn.js";
import { keep } from "./kept.js";
import { ShellMarks } from "./shell-marks.js";
import { terminalTheme } from "./terminal-colours.js";
import { handleKeys, handlePaste, withoutControls } from "./terminal-keys.js";
import { handleLinks } from "./terminal-links.js";
import { openScreen } from "./terminal-screen.js";
import { TerminalSearch } from "./terminal-search.js";
import { TerminalSocket } from "./terminal-socket.js";

const FIT_QUIET_MS = 60;
const SMALLEST_PX = 9;
const LARGEST_PX = 28;
const CLEAR_LINE = "\x15";
const INTERRUPTED = 130;
// What xterm says by itself when a program asks: cursor position, device attributes, modes,
// colours (DSR, DA, DECRQM, window reports; OSC and DCS replies).
const QUERY_ANSWER = /^\x1b(\[[?>=]?[\d;]*\$?[Rcnty]|\].*|P.*)/s;

/**
 * `panel` holds one `[data-term]` element. Handlers: `leave()` moves the focus out,
 * `line(state)` tells what to say above the terminal: null, or `{kind: "lost", milliseconds}`,
 * `{kind: "exit", code}`, `{kind: "error", error}`, `{kind: "ended", code}`, `{kind: "readonly"}`.
 */
export class TerminalView {
  #path;
  #handlers;
  #socket = null;
  #fit = new FitAddon();
  #observer;
  #fitTimer = 0;
  #typedAtPrompt = false;
  #turn;

  constructor(panel, sandboxId, handlers) {
    this.panel = panel;
    this.machine = panel.dataset.machine;
    this.#handlers = handlers;
    this.#path = TerminalSocket.path(sandboxId, this.machine, "main");
    this.#turn = new AnswerTurn(this.#path);
    this.term = openScreen(panel.querySelector("[data-term]"), this.machine);
    this.term.loadAddon(this.#fit);
    this.marks = new ShellMarks(this.term, {
      replaying: () => this.#socket?.replaying ?? false,
      finished: (outcome) => this.#finished(outcome),
    });
    this.search = new TerminalSearch(this.term, panel);
    this.#listen();
    this.connect();
  }

  /** Connect anew, for example to the shell that follows one that has ended. */
  connect() {
    this.#socket?.end();
    this.#socket = new TerminalSocket(this.#path, {
      write: (bytes, done) => this.term.write(bytes, done),
      reset: (done) => this.#reset(done),
      hello: (hello) => this.#hello(hello),
      exit: (code) => this.#ended({ kind: "exit", code }),
      error: (error) => this.#handlers.line({ kind: "error", error }),
      connected: () => this.#handlers.line(null),
      lost: (milliseconds) => this.#handlers.line({ kind: "lost", milliseconds }),
      ended: (code) => this.#ended({ kind: "ended", code }),
    });
  }

  get connected() {
    return this.#socket?.open ?? false;
  }

  /** Start over on an empty screen. */
  reconnect() {
    this.#reset(() => {});
    this.connect();
  }

  retryNow() {
    this.#socket?.retryNow();
  }

  focus() {
    this.term.focus();
  }

  /** Fit to the space there is now and tell the machine, also when another tab changed it. */
  refit() {
    this.#fit.fit();
    this.#socket?.resize(this.term.cols, this.term.rows);
  }

  /**
   * Type commands, each with Enter. Several are sent one after the other, so that each gets
   * a prompt and an exit of its own. Answers null without a connection, else `{tracked,
   * outcome}`: `outcome` resolves with `{exit, seconds}`, the first failure's exit, or with
   * null when the end can't be seen (no prompt marks, or a program has the terminal).
   */
  run(commands) {
    if (!this.connected) return null;
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
      if (this.#typedAtPrompt) this.#send(CLEAR_LINE);
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
    else this.#send(text);
    this.marks.entered();
    this.#send("\r");
    this.term.scrollToBottom();
  }

  setFontSize(pixels) {
    const size = Math.min(LARGEST_PX, Math.max(SMALLEST_PX, pixels));
    this.term.options.fontSize = size;
    keep("terminal-px", size);
    this.#fitSoon();
  }

  setScreenReaderMode(on) {
    this.term.options.screenReaderMode = on;
    keep("terminal-reader", on);
  }

  dispose() {
    this.#socket?.end();
    this.#turn.end();
    this.#observer.disconnect();
    clearTimeout(this.#fitTimer);
    this.marks.forget();
    document.removeEventListener("slipway:theme", this.onTheme);
    this.term.dispose();
    this.panel.querySelector(".find")?.remove();
  }

  #listen() {
    handleLinks(this.term);
    handleKeys(this.term, { leave: () => this.#handlers.leave(), find: () => this.search.show() });
    handlePaste(this.term, this.panel, this.machine);
    this.term.onData((data) => this.#typed(data));
    this.term.onBinary((data) => this.#socket.input(data));
    this.term.onResize(({ cols, rows }) => this.#socket?.resize(cols, rows));
    this.onTheme = () => (this.term.options.theme = terminalTheme(this.panel));
    document.addEventListener("slipway:theme", this.onTheme);
    this.#observer = new ResizeObserver(() => this.#fitSoon());
    this.#observer.observe(this.panel);
    this.term.textarea?.addEventListener("focus", () => this.#socket?.resize(this.term.cols, this.term.rows));
    this.#fitSoon();
  }

  #fitSoon() {
    clearTimeout(this.#fitTimer);
    this.#fitTimer = setTimeout(() => this.#fit.fit(), FIT_QUIET_MS);
  }

  #typed(data) {
    if (QUERY_ANSWER.test(data)) {
      // History makes xterm answer questions that programs asked long ago.
      if (this.#socket.replaying || !this.#turn.mine) return;
    } else {
      this.#turn.take();
      if (this.marks.atPrompt) this.#typedAtPrompt = true;
      if (data.endsWith("\r")) this.marks.entered();
    }
    this.#socket.input(data);
  }

  #send(text) {
    this.#turn.take();
    this.#socket.input(text);
  }

  #hello(hello) {
    this.term.options.disableStdin = hello.readonly;
    this.#handlers.line(hello.readonly ? { kind: "readonly" } : null);
    this.#handlers.hello?.(hello);
  }

  #reset(done) {
    // RIS travels in the same queue as the bytes; Terminal.reset() would overtake them.
    this.term.write("\x1bc", () => {
      this.marks.forget();
      done();
    });
  }

  #ended(line) {
    this.marks.forget();
    this.#handlers.line(line);
  }

  #finished(outcome) {
    this.#typedAtPrompt = false;
    const detail = { machine: this.machine, ...outcome };
    document.dispatchEvent(new CustomEvent("slipway:command", { detail }));
  }
}
