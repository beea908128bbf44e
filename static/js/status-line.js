// Under the terminal how fast the machines came, in the header how long they stay.
import { h, icon } from "./markup.js";
import { countdown, seconds, timeOfDay } from "./times.js";
import { around, gettext } from "./words.js";

/** Draw the status line of a usable sandbox, `last` (an element) in it; empty it for every other state. */
export function drawStatus(element, state, last) {
  element.hidden = !state.usable;
  if (!state.usable) return;
  const { ready_seconds: ready, stages, expires_at: expires } = state.snapshot;
  element.replaceChildren(...[
    ready === null || ready === undefined ? null : h("span", { class: "ready" }, icon("pass"), gettext("Ready in %(ready)s s", { ready: seconds(ready) })),
    stages?.length
      ? h("ol", { class: "stages", tabindex: "0", "aria-label": gettext("Stages, seconds since Start") }, stages.map((stage) =>
          h("li", {}, stage.name, h("span", { class: "num" }, seconds(stage.seconds)))))
      : null,
    last,
    h("span", { class: "keys end" }, around(gettext("%(key)s leaves the terminal"), { key: h("kbd", {}, "F6") })),
    expires ? h("span", { class: "ends" }, gettext("ends %(expires)s", { expires: timeOfDay(expires) })) : null,
  ].filter(Boolean));
}

/** The header's timer with Extend and Stop; `tick` is called every second. */
export class HeaderControls {
  constructor(state) {
    this.state = state;
    this.timer = document.querySelector("[data-timer]");
    this.left = this.timer?.querySelector(".left");
    this.extend = document.querySelector('.bar [data-action="extend"]');
    this.stop = document.querySelector('.bar [data-action="stop"]');
  }

  draw() {
    const { state } = this;
    this.timer.hidden = !state.usable || state.secondsLeft() === null;
    this.extend.hidden = !state.usable;
    this.extend.disabled = state.snapshot?.extensions_left === 0;
    this.extend.title = this.extend.disabled ? gettext("These machines can't be extended again") : gettext("Give the machines more time");
    this.stop.hidden = !state.live || state.state === "stopping";
    this.tick();
  }

  tick() {
    const left = this.state.secondsLeft();
    if (left !== null) this.left.textContent = countdown(left);
  }
}
