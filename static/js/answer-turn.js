// Programs ask terminals questions ("where is the cursor?"). With one terminal open in several
// tabs each would answer; the program expects one. The tab used last answers.

const channel = "BroadcastChannel" in window ? new BroadcastChannel("slipway.answers") : null;

/** Whose turn it is to answer for the terminal at `path`, among this browser's tabs. */
export class AnswerTurn {
  constructor(path) {
    this.path = path;
    this.mine = true;
    this.onMessage = ({ data }) => {
      if (data.path === this.path) this.mine = data.released;
    };
    channel?.addEventListener("message", this.onMessage);
    this.onHide = () => this.#say(true);
    addEventListener("pagehide", this.onHide);
    this.#say(false);
  }

  /** This tab is being used: the others fall silent. */
  take() {
    if (this.mine) return;
    this.mine = true;
    this.#say(false);
  }

  end() {
    if (this.mine) this.#say(true);
    channel?.removeEventListener("message", this.onMessage);
    removeEventListener("pagehide", this.onHide);
  }

  #say(released) {
    channel?.postMessage({ path: this.path, released });
  }
}
