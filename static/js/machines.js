// The machine pane: puts together state, deck, actions and what is said above the terminals.
import { Berth } from "./berth.js";
import { Deck } from "./deck.js";
import { EventsSocket } from "./events-socket.js";
import { LastCommand } from "./last-command.js";
import { Lines } from "./lines.js";
import { MachineActions } from "./machine-actions.js";
import { SandboxState } from "./sandbox-state.js";
import { HeaderControls, drawStatus } from "./status-line.js";
import { gettext, said } from "./words.js";

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
      ask: () => this.events.renew(),
    });
    this.berth = new Berth(this.berthElement, () => this.#model());
    this.header = new HeaderControls(this.state);
    this.last = new LastCommand(this.state);
    this.deck = new Deck(pane, this.state, this.lines, {
      dock,
      hostKernel: lesson.dataset.hostKernel,
      fileMib: page.file_mib,
      problem: (error) => this.#problem(error),
    });
    this.#listen();
    this.events = new EventsSocket(this.state);
    this.#draw();
  }

  /** Whether commands can be run now. */
  get usable() {
    return this.state.usable;
  }

  /** Bring a machine's terminal into view; resolves with it, or null when there is none. */
  terminalOf(machine) {
    return this.deck.terminalOf(machine);
  }

  /** Have the terminals of two machines in view, where there is room for both. */
  showBoth() {
    const { tabs, split } = this.deck;
    const next = tabs.neighbour(tabs.current, 1);
    if (this.usable && !split.split && next !== tabs.current && !("files" in next.dataset) && split.wide.matches) split.open(next);
  }

  /** Open a file in the editor; false when no machine runs. */
  editFile(machine, path, content) {
    return this.deck.editFile(machine, path, content);
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
      // Browsers that give a pressed button no focus (Safari) would leave the keys to the page.
      if (["start", "switch"].includes(action) && document.activeElement === document.body) this.berth.focus();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "F6" || event.defaultPrevented) return;
      event.preventDefault();
      this.dock.show("machines");
      if (this.usable) this.deck.focus();
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
    this.deck.draw();
    this.header.draw();
    drawStatus(this.pane.querySelector("[data-status]"), this.state, this.last.element);
    this.#sayEngine();
    if (!this.usable && berthWasHidden && focusLeaves) this.berth.focus();
  }

  /** The machines have just become usable: hand the keyboard to the terminal. */
  #began() {
    this.deck.clearPreviews();
    const focus = document.activeElement;
    const idle = focus === document.body || this.pane.contains(focus);
    if (idle && !this.dock.narrow()) this.deck.focus();
  }

  /** Above machines that are there: the engine below them is away, or can make no others. */
  #sayEngine() {
    const { of_host: ofHost, message, hint } = this.actions.engine;
    const text = ofHost && this.usable ? `${said(message)} ${said(hint)}` : "";
    if (text === this.engineSaid) return;
    this.engineSaid = text;
    if (text) this.lines.show("engine", { text, bad: true });
    else this.lines.clear("engine");
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
      text: more
        ? gettext("The machines end in {s} s. Extend gives them more time.")
        : gettext("The machines end in {s} s. They can't be extended again: keep what you need."),
      until: performance.now() + left * 1000,
      bad: true,
      actions: more ? [{ label: gettext("Extend"), action: "extend" }] : [],
    });
  }

  #problem({ message, hint }) {
    const text = [message, hint].filter(Boolean).join(" ");
    const actions = [{ label: gettext("Got it"), onclick: () => (this.state.warning = null, this.lines.clear("problem")) }];
    this.lines.show("problem", { text, bad: true, actions });
  }
}
