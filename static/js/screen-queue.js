// Output on its way to the screen. Most of a flood waits here and not in xterm.js, which gives
// nothing back: what a new beginning makes worthless is dropped instead of parsed.

// So much lies in xterm.js. Less would make it wait for more, at each of its rounds.
const AHEAD_BYTES = 64 * 1024;

/** `write(bytes, done)` parses bytes and calls `done`. */
export class ScreenQueue {
  #write;
  #waiting = [];
  #ahead = 0;

  constructor(write) {
    this.#write = write;
  }

  /** Have `bytes` written in their turn; `done` is called once they are parsed, or dropped. */
  push(bytes, done) {
    this.#waiting.push([bytes, done]);
    this.#pump();
  }

  /** Write nothing of what waits. */
  drop() {
    for (const [, done] of this.#waiting.splice(0)) done();
  }

  #pump() {
    while (this.#waiting.length && this.#ahead < AHEAD_BYTES) {
      const [bytes, done] = this.#waiting.shift();
      this.#ahead += bytes.length;
      this.#write(bytes, () => {
        this.#ahead -= bytes.length;
        done();
        this.#pump();
      });
    }
  }
}
