// The page's events: of its sandbox (state, stages, task results, warnings) while it has one, and
// whether machines can be started here at all, always.
import { ReconnectingSocket, socketUrl } from "./reconnecting-socket.js";
import { call, segment } from "./api.js";
import { onWake } from "./page-wake.js";

// Codes after which another try would end the same way.
const SIGNED_OUT = 4401;
const FINAL = new Set([SIGNED_OUT, 4403, 4404, 4410]);

const publish = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

/** Feeds `state` while its sandbox lives; one connection for the page, whatever sandbox it is. */
export class EventsSocket {
  #socket = null;
  #id = null;

  constructor(state) {
    this.state = state;
    state.addEventListener("change", () => this.#follow());
    // What happened meanwhile is in the state that each connection begins with.
    onWake(() => this.#socket?.drop());
    document.addEventListener("visibilitychange", () => this.#sayVisible());
    this.#follow();
  }

  /** Hear anew how things are: each connection begins with that. */
  renew() {
    this.#socket?.drop();
  }

  #follow() {
    const wanted = this.state.live ? this.state.id : null;
    if (this.#socket && wanted === this.#id) return;
    this.#socket?.end();
    this.#id = wanted;
    this.#socket = this.#connect(wanted);
  }

  #connect(id) {
    return new ReconnectingSocket({
      url: () => socketUrl(id ? `/ws/sandboxes/${segment(id)}/events` : "/ws/host"),
      message: (event) => this.#receive(id, event.data),
      closed: (code) => {
        // Who signed out elsewhere still has the machines; the terminals say how to come back.
        if (id && FINAL.has(code) && code !== SIGNED_OUT) this.#refresh(id);
        return !FINAL.has(code);
      },
    });
  }

  /** Ports that open on their own are only looked for while somebody looks. */
  #sayVisible() {
    if (this.#id) this.#socket?.send(JSON.stringify({ visible: !document.hidden }));
  }

  #receive(id, data) {
    if (typeof data !== "string" || id !== this.#id) return;
    const event = JSON.parse(data);
    // The first is the state: the connection is new, and knows nothing of this page.
    if (event.type === "state") {
      this.#sayVisible();
      this.state.update(event.sandbox);
    } else if (event.type === "stage") this.state.addStage(event.name, event.seconds);
    else if (event.type === "warning") this.state.warn(event);
    else if (event.type === "task") publish("slipway:task", event);
    else if (event.type === "terminal") this.state.terminal(event);
    // "slipway:command" is said by the terminals of this page; this one comes from any of them.
    else if (event.type === "command") publish("slipway:command-seen", event);
    else publish(`slipway:${event.type}`, event);
  }

  /** The socket was refused: ask the API what became of the sandbox. */
  async #refresh(id) {
    try {
      const { body } = await call("GET", `/sandboxes/${segment(id)}`);
      this.state.update(body);
    } catch (error) {
      if (error.status === 404) this.state.update({ ...this.state.snapshot, state: "gone" });
    }
  }
}
