// Whether the other end of a socket is still there. A connection that a network lost in silence
// stays "open" for minutes; who types into it would see nothing and hear nothing.
import { onWake } from "./page-wake.js";

const QUIET_MS = 20_000;
const TYPED_MS = 3_000;
const ANSWER_MS = 4_000;

/** `ask()` sends something that is answered, `dead()` is called when nothing came back. */
export class Liveness {
  #heardAt = performance.now();
  #typing = 0;
  #waiting = 0;
  #timer;
  #wake;

  constructor(ask, dead) {
    Object.assign(this, { ask, dead });
    this.#timer = setInterval(() => {
      if (!document.hidden && performance.now() - this.#heardAt > QUIET_MS) this.#check();
    }, QUIET_MS);
    this.#wake = onWake(() => this.#check());
  }

  /** Something came. */
  heard() {
    this.#heardAt = performance.now();
    this.#clear();
  }

  /** Something was typed, and an echo may be expected. */
  typed() {
    this.#typing ||= setTimeout(() => this.#check(), TYPED_MS);
  }

  /** There is no connection to watch at the moment. */
  closed() {
    this.#clear();
  }

  end() {
    this.#clear();
    clearInterval(this.#timer);
    this.#wake();
  }

  #check() {
    if (this.#waiting || !this.ask()) return;
    this.#waiting = setTimeout(() => (this.#clear(), this.dead()), ANSWER_MS);
  }

  #clear() {
    clearTimeout(this.#typing);
    clearTimeout(this.#waiting);
    this.#typing = 0;
    this.#waiting = 0;
  }
}
