// The machine pane: puts together state, tabs, terminals, previews, waterline and actions.
import { Berth } from "./berth.js";
import { EventsSocket } from "./events-socket.js";
import { KeyRow } from "./key-row.js";
import { Lines } from "./lines.js";
import { MachineActions } from "./machine-actions.js";
import { MachineTabs } from "./machine-tabs.js";
import { Preview } from "./preview.js";
import { SandboxState } from "./sandbox-state.js";
import { HeaderControls, drawStatus } from "./status-line.js";
import { Terminals } from "./terminals.js";
import { startTools } from "./terminal-tools.js";
import { drawWaterline } from "./waterline.js";

/** `page` is the lesson's data, `dock` the phone's pane switch. */
export class Machines {
  constructor(page, lesson, dock) {
    const pane = document.getElementById("machines");
    Object.assign(this, { page, lesson, dock, pane });
    this.state = new SandboxState(page.sandbox);
    this.berthElement = pane.querySelector("[data-berth]");
    this.lines = new Lines(pane.querySelector("[data-lines]"));
    this.actions = new MachineActions(page, this.state, {
      changed: () => this.#draw(),
      problem: (error) => this.#problem(error),
    });
    this.berth = new Berth(this.berthElement, () => this.#model());
    this.header = new HeaderControls(this.state);
    this.tabs = new MachineTabs(pane.querySelector(".tablist"), (tab) => this.#selected(tab));
    this.keyRow = new KeyRow(pane.querySelector("[data-key-row]"), () => this.terminals.current);
    this.terminals = new Terminals([...pane.querySelectorAll(".panel-term")], this.lines, {
      leave: (machine) => this.tabs.ofMachine(machine).focus(),
      modified: (data) => this.keyRow.modified(data),
    });
    this.previews = new Map([...pane.querySelectorAll(".panel-preview")].map((panel) =>
      [panel, new Preview(panel, () => this.state.id)]));
    startTools(pane, this.terminals);
    this.#listen();
    this.events = new EventsSocket(this.state);
    this.#draw();
  }

  /** Whether commands can be run now. */
  get usable() {
    return this.state.usable;
  }

  /** Bring a machine's terminal into view and answer it, or null when there is none. */
  async terminalOf(machine) {
    const tab = this.tabs.ofMachine(machine);
    if (!tab || !this.usable) return null;
    this.tabs.select(tab);
    this.dock.show("machines");
    return this.terminals.ready(machine);
  }

  /** Take the learner to the Start button, or whatever stands in its place. */
  showStart() {
    this.dock.show("machines");
    this.berth.focus();
  }

  #listen() {
    this.state.addEventListener("change", (event) => this.#changed(event.detail.before));
    document.addEventListener("click", (event) => {
      const action = event.target.closest("[data-action]")?.dataset.action;
      if (["start", "stop", "extend", "reset", "switch"].includes(action)) this.actions[action]();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "F6" || event.defaultPrevented) return;
      event.preventDefault();
      this.dock.show("machines");
      if (this.usable) this.terminals.current?.focus();
      else this.berth.focus();
    });
    setInterval(() => this.header.tick(), 1000);
  }

  #model() {
    const { engine, other, trouble, pendingSince, switching } = this.actions;
    const { state, snapshot } = this.state;
    return { state, snapshot, machines: this.page.machines, engine, other, trouble, pendingSince, switching };
  }

  #changed(before) {
    if (this.state.live) this.actions.trouble = null;
    const began = this.usable && !["ready", "expiring"].includes(before);
    this.#draw();
    if (began) this.#began();
    this.#warn();
  }

  #draw() {
    const focusLeaves = this.pane.contains(document.activeElement) || document.activeElement === document.body
      || document.activeElement === this.header.stop;
    const berthWasHidden = this.berthElement.hidden;
    this.berthElement.hidden = this.usable;
    this.berth.render();
    this.terminals.follow(this.usable ? this.state.id : null);
    this.#showPanel();
    this.header.draw();
    drawStatus(this.pane.querySelector("[data-status]"), this.state);
    this.pane.querySelector('[data-action="reset"]').hidden = !this.usable;
    this.pane.querySelector(".tools").hidden = !this.usable;
    if (!this.usable && berthWasHidden && focusLeaves) this.berth.focus();
  }

  /** The machines have just become usable: hand the keyboard to the terminal. */
  #began() {
    for (const preview of this.previews.values()) preview.clear();
    const focus = document.activeElement;
    const idle = focus === document.body || this.pane.contains(focus);
    if (idle && !this.dock.narrow()) this.terminals.current?.focus();
  }

  #selected(tab) {
    this.dock.name(tab.dataset.port ? `port ${tab.dataset.port}` : tab.dataset.machine);
    this.#showPanel();
  }

  #showPanel() {
    const { current } = this.tabs;
    for (const tab of this.tabs.tabs) this.tabs.panelOf(tab).hidden = !this.usable || tab !== current;
    const isPreview = Boolean(current.dataset.port);
    if (this.usable && isPreview) this.previews.get(this.tabs.panelOf(current)).show();
    this.terminals.look(this.usable && !isPreview ? current.dataset.machine : null);
    this.keyRow.element.hidden = !this.usable || isPreview;
    const machines = this.usable ? this.state.snapshot.machines : [];
    const machine = machines.find(({ name }) => name === current.dataset.machine);
    drawWaterline(this.pane.querySelector("[data-waterline]"), machine, machines, this.lesson.dataset.hostKernel);
  }

  #warn() {
    const { warning, state, snapshot } = this.state;
    if (!this.usable) {
      this.lines.clearAll();
      return;
    }
    if (state === "expiring") this.#expiring(snapshot.extensions_left > 0);
    else this.lines.clear("expiring");
    if (warning && state !== "expiring") this.#problem(warning);
  }

  #expiring(more) {
    const left = this.state.secondsLeft() ?? 0;
    this.lines.show("expiring", {
      text: `The machines end in {s} s. ${more ? "Extend gives them more time." : "They can't be extended again: keep what you need."}`,
      until: performance.now() + left * 1000,
      bad: true,
      actions: more ? [{ label: "Extend", action: "extend" }] : [],
    });
  }

  #problem({ message, hint }) {
    const text = [message, hint].filter(Boolean).join(" ");
    const actions = [{ label: "Got it", onclick: () => (this.state.warning = null, this.lines.clear("problem")) }];
    this.lines.show("problem", { text, bad: true, actions });
  }
}
