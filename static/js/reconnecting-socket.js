// A WebSocket that comes back by itself, slower each time and never in step with others.

const FIRST_DELAY_MS = 500;
// A site that was restarted is there again within seconds: nobody should then still wait for long.
const LONGEST_DELAY_AT_FIRST_MS = 2_000;
const AT_FIRST_MS = 20_000;
const LONGEST_DELAY_MS = 15_000;
// A connection that held this long starts the delays anew.
const STEADY_MS = 5_000;
// The code that browsers give to a connection that broke off.
const LOST = 1006;

/** The WebSocket address of a path on this site. */
export function socketUrl(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/**
 * Handlers: `url()` before each try, `open()`, `message(event)`, `closed(code)` that answers
 * whether to try again, `waiting(milliseconds)` when the next try is planned.
 */
export class ReconnectingSocket {
  #socket = null;
  #timer = 0;
  #delay = FIRST_DELAY_MS;
  #openedAt = 0;
  #lostAt = 0;
  #ended = false;

  constructor(handlers) {
    this.handlers = handlers;
    this.onOnline = () => this.retryNow();
    addEventListener("online", this.onOnline);
    this.#connect();
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  send(data) {
    if (!this.open) return false;
    this.#socket.send(data);
    return true;
  }

  /** Try at once instead of waiting; does nothing while connected or trying. */
  retryNow() {
    if (this.#ended || this.#socket) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  /** The connection is dead, though nobody has said so: have another one. */
  drop() {
    const socket = this.#socket;
    if (this.#ended || !socket) return;
    this.#closed(LOST);
    // Its own goodbye may take minutes, or never come.
    socket.close();
  }

  /** Close for good. */
  end() {
    this.#ended = true;
    clearTimeout(this.#timer);
    removeEventListener("online", this.onOnline);
    this.#socket?.close(1000);
  }

  #connect() {
    const socket = new WebSocket(this.handlers.url());
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      this.#openedAt = performance.now();
      this.handlers.open?.();
    });
    const ours = () => !this.#ended && socket === this.#socket;
    socket.addEventListener("message", (event) => ours() && this.handlers.message(event));
    socket.addEventListener("close", (event) => ours() && this.#closed(event.code));
  }

  #closed(code) {
    this.#socket = null;
    const now = performance.now();
    if (this.#openedAt && now - this.#openedAt > STEADY_MS) this.#delay = FIRST_DELAY_MS;
    if (this.#delay === FIRST_DELAY_MS) this.#lostAt = now;
    this.#openedAt = 0;
    if (!this.handlers.closed(code)) {
      this.end();
      return;
    }
    // Half fixed, half random: a whole class that lost the network does not return at once.
    const wait = this.#delay / 2 + (Math.random() * this.#delay) / 2;
    const atFirst = now - this.#lostAt < AT_FIRST_MS;
    this.#delay = Math.min(this.#delay * 2, atFirst ? LONGEST_DELAY_AT_FIRST_MS : LONGEST_DELAY_MS);
    this.handlers.waiting?.(wait);
    this.#timer = setTimeout(() => this.#connect(), wait);
  }
}
