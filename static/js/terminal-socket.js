// One terminal's bytes, with sequence numbers, acknowledgements and the way back after a loss.
import { Liveness } from "./liveness.js";
import { ReconnectingSocket, socketUrl } from "./reconnecting-socket.js";
import { ScreenQueue } from "./screen-queue.js";
import { segment } from "./api.js";

const ACK_BYTES = 64 * 1024;
const INPUT_FRAME_BYTES = 8 * 1024;
const RESIZE_QUIET_MS = 120;
// In the background a page parses little; the machine must not wait for that. So much may lie
// there unparsed.
const BACKGROUND_BYTES = 8 * 1024 * 1024;
// 1000: the shell of an extra terminal ended. Connecting again would make a new one.
const FINAL = new Set([1000, 1007, 1008, 1009, 4401, 4403, 4404, 4410, 4429]);

/**
 * Handlers: `write(bytes, done)` shows bytes and calls `done` once they are parsed,
 * `reset(modes, done)` clears the screen in order with the writes and writes `modes`, `hello(object)`, `size([columns, rows], owner)`,
 * `recording(bool)`, `onlookers(names)` who looks on besides the learner, `exit(code)`,
 * `pid(number)` of the shell that follows one that ended, `error(object)`, `connected()`, `lost(milliseconds until the next try)`, `ended(close code)`.
 */
export class TerminalSocket {
  #handlers;
  #socket;
  #queue;
  #connection = 0;
  #received = null;
  #written = 0;
  #unacknowledged = 0;
  #unparsed = 0;
  #replayUntil = 0;
  #size = null;
  #claims = false;
  #told = false;
  #liveness;
  #resizeTimer = 0;
  #encoder = new TextEncoder();

  constructor(path, handlers) {
    this.#handlers = handlers;
    this.#queue = new ScreenQueue(handlers.write);
    this.#socket = new ReconnectingSocket({
      url: () => socketUrl(this.#received === null ? path : `${path}?after=${this.#received}`),
      open: () => this.#opened(),
      message: (event) => this.#message(event.data),
      closed: (code) => this.#closed(code),
      waiting: (milliseconds) => handlers.lost(milliseconds),
    });
    this.#liveness = new Liveness(() => this.#socket.send('{"ping":1}'), () => this.#socket.drop());
  }

  /** The path of a machine's terminal. */
  static path(sandboxId, machine, name) {
    return `/ws/sandboxes/${segment(sandboxId)}/machines/${segment(machine)}/terminals/${segment(name)}`;
  }

  get open() {
    return this.#socket.open;
  }

  /** Whether the bytes now being parsed were said before this connection. */
  get replaying() {
    return this.#written < this.#replayUntil;
  }

  /** Send typed text; false when there is no connection (nothing is kept for later). */
  input(text) {
    this.#liveness.typed();
    const bytes = this.#encoder.encode(text);
    for (let at = 0; at < bytes.length; at += INPUT_FRAME_BYTES) {
      if (!this.#socket.send(bytes.subarray(at, at + INPUT_FRAME_BYTES))) return false;
    }
    return true;
  }

  /**
   * Tell the machine this window's size once it has stopped changing; with `claims` the
   * terminal gets it, whoever's size it has now.
   */
  resize(columns, rows, claims) {
    if (!claims && this.#told && this.#size?.join() === `${columns},${rows}`) return;
    this.#size = [columns, rows];
    this.#told = false;
    this.#claims ||= claims;
    clearTimeout(this.#resizeTimer);
    this.#resizeTimer = setTimeout(() => this.#sendSize(), claims ? 0 : RESIZE_QUIET_MS);
  }

  retryNow() {
    this.#socket.retryNow();
  }

  end() {
    clearTimeout(this.#resizeTimer);
    this.#liveness.end();
    this.#socket.end();
    this.#queue.drop();
  }

  #sendSize() {
    if (!this.#socket.send(JSON.stringify({ resize: this.#size, focus: this.#claims }))) return;
    this.#claims = false;
    this.#told = true;
  }

  #opened() {
    this.#connection += 1;
    this.#told = false;
    this.#unacknowledged = 0;
    this.#handlers.connected();
  }

  #message(data) {
    this.#liveness.heard();
    if (data instanceof ArrayBuffer) {
      this.#bytes(new Uint8Array(data));
      return;
    }
    const message = JSON.parse(data);
    if (message.hello) this.#hello(message.hello);
    else if ("seq" in message) this.#startAt(message.seq, message.modes ?? "");
    else if ("exit" in message) this.#handlers.exit(message.exit);
    else if (message.size) this.#handlers.size(message.size, message.owner);
    else if ("recording" in message) this.#handlers.recording(message.recording);
    else if (message.onlookers) this.#handlers.onlookers?.(message.onlookers);
    else if ("pid" in message) this.#handlers.pid(message.pid);
    else if (message.error) this.#handlers.error(message.error);
  }

  #hello(hello) {
    this.#replayUntil = hello.seq;
    // Whoever looks on is told right behind the hello.
    this.#handlers.onlookers?.([]);
    this.#handlers.hello(hello);
  }

  #startAt(seq, modes) {
    this.#received = seq;
    // The screen begins anew: parsing what came before could take longer than a person waits.
    this.#queue.drop();
    this.#handlers.reset(modes, () => (this.#written = seq));
  }

  #bytes(bytes) {
    const start = this.#received ?? 0;
    this.#received = start + bytes.length;
    // A frame that reaches past the replay is split there: its second part is news.
    const old = Math.max(0, Math.min(bytes.length, this.#replayUntil - start));
    if (old > 0 && old < bytes.length) {
      this.#write(bytes.subarray(0, old), start + old);
      this.#write(bytes.subarray(old), start + bytes.length);
    } else {
      this.#write(bytes, start + bytes.length);
    }
  }

  #write(bytes, end) {
    const connection = this.#connection;
    const early = this.#unparsed < BACKGROUND_BYTES && document.hidden;
    if (early) this.#consumed(bytes.length);
    this.#unparsed += bytes.length;
    this.#queue.push(bytes, () => {
      this.#written = end;
      this.#unparsed -= bytes.length;
      if (!early && connection === this.#connection) this.#consumed(bytes.length);
    });
  }

  #consumed(count) {
    this.#unacknowledged += count;
    if (this.#unacknowledged < ACK_BYTES) return;
    this.#socket.send(JSON.stringify({ ack: this.#unacknowledged }));
    this.#unacknowledged = 0;
  }

  #closed(code) {
    this.#liveness.closed();
    if (!FINAL.has(code)) return true;
    this.#handlers.ended(code);
    return false;
  }
}
