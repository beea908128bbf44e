// A terminal's columns and rows. It has the size of one window: the one that was used last.
import { FitAddon } from "../vendor/addon-fit/addon-fit.mjs";

const FIT_QUIET_MS = 60;

/**
 * `send(columns, rows, claims)` tells the machine; `borrowed(bool)` that another's size is shown;
 * `connected()` answers whether the machine can be told.
 */
export class TerminalSize {
  #fit = new FitAddon();
  #timer = 0;
  #observer;
  #owner = true;

  constructor(term, panel, { send, borrowed, connected }) {
    Object.assign(this, { term, panel, send, borrowed, connected });
    term.loadAddon(this.#fit);
    this.#observer = new ResizeObserver(() => this.fitSoon());
    this.#observer.observe(panel);
    term.textarea?.addEventListener("focus", () => this.claim());
    this.fitSoon();
  }

  /** A connection begins. */
  hello({ owner, cols, rows, readonly }) {
    this.#owner = owner;
    if (owner) this.fit();
    else if (!readonly && this.panel.contains(document.activeElement) && document.hasFocus()) this.claim();
    else this.#take(cols, rows);
  }

  /** The server says whose size it is now. */
  changed([columns, rows], owner) {
    this.#owner = owner;
    if (owner) this.fit();
    else this.#take(columns, rows);
  }

  /** Somebody uses this window: the terminal becomes as large as there is room here. */
  claim() {
    if (this.#owner) return;
    this.#owner = true;
    this.fit(true);
  }

  /** Fit to the room there is now, as far as the size is ours. */
  fit(claims = false) {
    // A full screen that becomes smaller loses lines for good: its program draws them anew, once
    // it can be told. The line that says the connection is lost takes room, and gives it back.
    if (this.term.buffer.active.type === "alternate" && !this.connected()) return;
    const room = this.#fit.proposeDimensions();
    if (!room || !Number.isFinite(room.cols) || !Number.isFinite(room.rows)) return;
    if (this.#owner) {
      if (room.cols !== this.term.cols || room.rows !== this.term.rows) this.term.resize(room.cols, room.rows);
      this.borrowed(false);
    }
    this.send(room.cols, room.rows, claims);
  }

  fitSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.fit(), FIT_QUIET_MS);
  }

  end() {
    clearTimeout(this.#timer);
    this.#observer.disconnect();
  }

  #take(columns, rows) {
    if (columns !== this.term.cols || rows !== this.term.rows) this.term.resize(columns, rows);
    const room = this.#fit.proposeDimensions();
    this.borrowed(Boolean(room) && (room.cols !== columns || room.rows !== rows));
    this.fit();
  }
}
