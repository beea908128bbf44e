// Under the terminals: the last command that ended on these machines, in whatever window, and how.
import { h } from "./markup.js";
import { gettext } from "./words.js";

/** Its `element` stands in the status line and is hidden until a command of `state`'s sandbox has ended. */
export class LastCommand {
  #of = null;

  constructor(state) {
    this.state = state;
    this.element = h("span", { class: "last", "data-last-command": "", hidden: true });
    document.addEventListener("slipway:command-seen", ({ detail }) => this.#draw(detail));
    // What ran on machines that were replaced says nothing of the new ones.
    state.addEventListener("change", () => (this.element.hidden ||= this.#of !== state.id));
  }

  #draw({ machine, command, exit }) {
    this.#of = this.state.id;
    // Of several lines the first; empty where the shell does not say.
    const line = command.split("\n", 1)[0] || "…";
    const several = this.state.snapshot.machines.length > 1;
    const said = several ? `${machine} $ ${line}` : `$ ${line}`;
    const mark = exit === 0
      ? h("span", { class: "ok" }, gettext("✓ exit 0"))
      : h("span", { class: "bad" }, gettext("× exit %(exit)s", { exit }));
    this.element.replaceChildren(
      h("span", { class: "visually-hidden" }, gettext("Last command:")),
      h("span", { class: "last-line", title: command || null }, said), mark);
    this.element.hidden = false;
  }
}
