// The preview tabs: those of the lesson, and one for any other port that the learner opens.
import { ask } from "./dialog.js";
import { h, icon } from "./markup.js";
import { Preview } from "./preview.js";
import { gettext } from "./words.js";

const LAST_PORT = 65535;

/**
 * `show(tab)` brings a tab into view, `dropped(tab)` is called before one goes.
 * Ports that start to listen are offered in `lines`.
 */
export class Previews {
  #panels = new Map();
  // Machine → its ports that listen; a machine that was never reported is missing.
  #listening = new Map();

  constructor(state, tabs, deck, lines, { show, dropped }) {
    Object.assign(this, { state, tabs, deck, lines, show, dropped });
    for (const panel of deck.querySelectorAll(".panel-preview")) this.#have(panel);
    document.addEventListener("slipway:ports", ({ detail }) => this.#heard(detail.machine, detail.ports));
  }

  /** The preview in `panel`, if it is one. */
  in(panel) {
    return this.#panels.get(panel);
  }

  /** The machines are new: what was shown is over, and nothing listens. */
  clear() {
    for (const preview of this.#panels.values()) preview.clear();
    for (const machine of this.#listening.keys()) this.lines.clear(`port-${machine}`);
    this.#listening.clear();
  }

  /** Show a port of a machine in a tab of its own; loaded again when it was shown before. */
  open(machine, port) {
    this.lines.clear(`port-${machine}`);
    const known = this.tabs.tabs.find(({ dataset }) => dataset.machine === machine && Number(dataset.port) === port);
    const tab = known ?? this.#make(machine, port);
    if (known) this.in(this.tabs.panelOf(tab))?.reload();
    this.show(tab);
  }

  /** Ask which port of which machine to open. */
  async choose(machines) {
    const options = [...this.#listening].flatMap(([machine, ports]) => ports.map((port) => [machine, port]));
    const machine = h("select", { id: "port-machine" }, machines.map((name) => h("option", {}, name)));
    const port = h("input", { id: "port-number", type: "number", min: 1, max: LAST_PORT, required: true, value: options.at(-1)?.[1] ?? 8080 });
    if (options.length) machine.value = options.at(-1)[0];
    const listed = options.map(([name, number]) => `${name}: ${number}`).join(", ");
    const fields = h("div", { class: "port-fields" },
      h("label", { for: "port-machine" }, gettext("Machine")), machine, h("label", { for: "port-number" }, gettext("Port")), port);
    const text = listed ? gettext("Ports that listen now: %(ports)s.", { ports: listed }) : gettext("No port is seen to listen now. Start your app first.");
    if (await ask({ title: gettext("Open a port"), text, extra: fields, yes: gettext("Open the port"), no: gettext("Leave it") })) {
      const number = Number(port.value);
      if (Number.isInteger(number) && number >= 1 && number <= LAST_PORT) this.open(machine.value, number);
    }
  }

  close(tab) {
    const panel = this.tabs.panelOf(tab);
    this.dropped(tab);
    this.#panels.delete(panel);
    panel.remove();
    this.tabs.remove(tab);
  }

  #heard(machine, ports) {
    const before = this.#listening.get(machine) ?? [];
    this.#listening.set(machine, ports);
    const fresh = ports.filter((port) => !before.includes(port));
    const key = `port-${machine}`;
    // Only the last one is offered: the others are in the list of "Open a port".
    if (fresh.length) this.#offer(key, machine, fresh.at(-1));
    else if (before.some((port) => !ports.includes(port))) this.lines.clear(key);
  }

  #offer(key, machine, port) {
    const tab = this.tabs.current;
    if (tab.dataset.machine === machine && Number(tab.dataset.port) === port) {
      this.in(this.tabs.panelOf(tab))?.reload();
      return;
    }
    this.lines.show(key, {
      text: gettext("Port %(port)s of %(machine)s is up.", { port, machine }),
      actions: [
        { label: gettext("Open it"), onclick: () => this.open(machine, port) },
        { label: gettext("Got it"), onclick: () => this.lines.clear(key) },
      ],
    });
  }

  #have(panel) {
    this.#panels.set(panel, new Preview(panel, () => this.state.id));
  }

  #make(machine, port) {
    const id = `${machine}--port-${port}`;
    const data = { "data-machine": machine, "data-port": port };
    const tab = h("button", {
      class: "tab tab-extra", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}`, "aria-selected": "false",
      tabindex: "-1", type: "button", title: gettext("Delete closes"), ...data,
    }, icon("page"), h("span", { class: "tab-machine" }, machine), h("span", { class: "data" }, `:${port}`),
    h("span", { class: "tab-close", "aria-hidden": "true", title: gettext("Close this preview") }, "×"));
    const panel = h("div", {
      class: "panel-preview", role: "tabpanel", id: `panel-${id}`, "aria-labelledby": `tab-${id}`, hidden: true, ...data,
    });
    this.deck.append(panel);
    this.tabs.list.append(tab);
    this.#have(panel);
    return tab;
  }
}
