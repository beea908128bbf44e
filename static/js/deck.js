// The deck: the machines' terminals and previews behind their tabs, one in view or two.
import { DeckSplit } from "./deck-split.js";
import { ExtraTerminals, titleOf } from "./extra-terminals.js";
import { startFileDrop } from "./file-drop.js";
import { FilesTab } from "./files-tab.js";
import { getFile } from "./get-file.js";
import { KeyRow } from "./key-row.js";
import { MachineTabs, isTerminal } from "./machine-tabs.js";
import { Previews } from "./previews.js";
import { markTab, unmarkTab } from "./tab-marks.js";
import { Terminals } from "./terminals.js";
import { startTools } from "./terminal-tools.js";
import { Transfers } from "./transfers.js";
import { drawWaterlines } from "./waterline.js";
import { gettext } from "./words.js";

/**
 * `problem(error)` says what the API refused; `hostKernel` is the release below a VM; a file
 * that is sent may have `fileMib` MiB.
 */
export class Deck {
  constructor(pane, state, lines, { dock, hostKernel, fileMib, problem }) {
    const element = pane.querySelector(".deck");
    Object.assign(this, { pane, state, lines, dock, hostKernel, element });
    this.tabs = new MachineTabs(pane.querySelector(".tablist"), (tab) => this.#selected(tab), {
      close: (tab) => (tab.dataset.port ? this.previews : this.extras).close(tab),
      rename: (tab) => this.extras.rename(tab),
    });
    this.split = new DeckSplit(element, this.tabs, () => this.show());
    this.split.show(this.tabs.current);
    this.extras = new ExtraTerminals(state, this.tabs, element, lines, {
      problem,
      dropped: (tab) => this.split.drop(tab),
      focus: (tab) => this.#focus(tab),
    });
    this.keyRow = new KeyRow(pane.querySelector("[data-key-row]"), () => this.terminals.current);
    this.transfers = new Transfers(pane.querySelector("[data-transfers]"), fileMib);
    this.terminals = new Terminals(lines, {
      files: (panel, files) => this.#send(panel, files),
      modified: (data) => this.keyRow.modified(data),
      mark: (panel, what) => this.#mark(panel, what),
      recording: (panel, on) => this.#recorded(panel, on),
      over: (panel, code) => this.extras.over(this.#tabOf(panel), code),
      keysOf: (panel) => this.#keysOf(panel),
    });
    this.previews = new Previews(state, this.tabs, element, lines, {
      show: (tab) => (this.tabs.select(tab), this.dock.show("machines")),
      dropped: (tab) => this.split.drop(tab),
    });
    const filesTab = pane.querySelector("[role=tab][data-files]");
    this.files = filesTab && new FilesTab(filesTab, this.tabs.panelOf(filesTab), state, () => this.#withFiles());
    startFileDrop(element, (panel, files) => this.#send(panel, files));
    startTools(pane, this.terminals, {
      send: (files) => this.#send(this.tabs.panelOf(this.tabs.current), files),
      get: () => getFile(this.state.id, this.#machine),
    });
    pane.addEventListener("click", (event) => {
      const action = event.target.closest("[data-action]")?.dataset.action;
      if (action === "another") this.#another();
      else if (action === "beside") this.#beside();
      else if (action === "port") this.previews.choose(this.#withFiles());
    });
  }

  /** Follow the sandbox: terminals for what it has now, none when it is not usable. */
  draw() {
    this.extras.follow();
    const panels = [...this.element.querySelectorAll(".panel-term")];
    this.terminals.follow(this.state.usable ? this.state.id : null, panels);
    for (const tool of this.pane.querySelectorAll(".tools, .tabs .end [data-action]")) tool.hidden = !this.state.usable;
    this.show();
  }

  /** The machines are new: what previews showed is over. */
  clearPreviews() {
    this.previews.clear();
  }

  /** Bring a machine's main terminal into view and answer it, or null when there is none. */
  async terminalOf(machine) {
    const tab = this.tabs.ofMachine(machine);
    if (!tab || !this.state.usable) return null;
    this.tabs.select(tab);
    this.dock.show("machines");
    return this.terminals.ready(this.tabs.panelOf(tab));
  }

  focus() {
    this.#focus(this.tabs.current);
  }

  /** Show the panels of the tabs in view, with their kernels below. */
  show() {
    const { usable, snapshot } = this.state;
    const { current } = this.tabs;
    const seen = usable ? this.split.seen : [];
    for (const tab of this.tabs.tabs) this.tabs.panelOf(tab).hidden = !seen.includes(tab);
    for (const tab of seen) this.previews.in(this.tabs.panelOf(tab))?.show();
    const files = seen.includes(this.files?.tab);
    if (files && !this.filesSeen) this.files.show();
    this.filesSeen = files;
    const terminals = seen.filter(isTerminal);
    const panels = terminals.map((tab) => this.tabs.panelOf(tab));
    this.terminals.look(panels, terminals.includes(current) ? this.tabs.panelOf(current) : null);
    for (const tab of terminals) unmarkTab(tab);
    this.keyRow.element.hidden = !terminals.includes(current);
    this.pane.querySelector('[data-action="beside"]').setAttribute("aria-pressed", String(this.split.split));
    const names = [...new Set((usable ? seen : [current]).map((tab) => tab.dataset.machine).filter(Boolean))];
    drawWaterlines(this.pane.querySelector("[data-waterlines]"), names, usable ? snapshot.machines : [], this.hostKernel);
  }

  #selected(tab) {
    this.split.show(tab);
    const name = titleOf(tab) ? `${tab.dataset.machine}: ${titleOf(tab)}` : tab.dataset.machine;
    if ("files" in tab.dataset) this.dock.name(gettext("files"));
    else this.dock.name(tab.dataset.port ? gettext("port %(port)s", { port: tab.dataset.port }) : name);
    this.show();
  }

  /** Open a file of a machine in the editor; false when no machine runs. */
  editFile(machine, path, content) {
    if (!this.state.usable || !this.files) return false;
    this.filesSeen = true; // what opens the file looks, too
    this.tabs.select(this.files.tab);
    this.dock.show("machines");
    this.files.open(machine, path, content);
    return true;
  }

  /** Machines whose files and ports are reached; a guest's are not. */
  #withFiles() {
    return this.state.snapshot.machines.filter(({ kind }) => kind !== "vm").map(({ name }) => name);
  }

  #tabOf(panel) {
    return document.getElementById(panel.getAttribute("aria-labelledby"));
  }

  #focus(tab) {
    const view = this.terminals.in(this.tabs.panelOf(tab));
    if (view) view.focus();
    else tab.focus();
  }

  #mark(panel, what) {
    const tab = this.#tabOf(panel);
    const seen = this.split.seen.includes(tab);
    if (!seen) markTab(tab, what);
    else if (what === "bell") flash(panel);
  }

  /** The machine of the tab in view; the Files tab belongs to none, then it is the first. */
  get #machine() {
    return this.tabs.current.dataset.machine ?? this.tabs.tabs[0].dataset.machine;
  }

  #send(panel, files) {
    return this.transfers.send(this.state.id, panel.dataset.machine ?? this.#machine, files);
  }

  /** Whoever is recorded is told so, as long as it lasts. */
  #recorded(panel, on) {
    panel.toggleAttribute("data-recorded", on);
    const any = this.element.querySelector("[data-recorded]") !== null;
    this.pane.querySelector("[data-recorded-notice]").hidden = !any;
  }

  #keysOf(panel) {
    return {
      leave: () => this.#tabOf(panel).focus(),
      neighbour: (step) => {
        const tab = this.tabs.neighbour(this.#tabOf(panel), step);
        this.tabs.select(tab);
        this.#focus(tab);
      },
      another: () => this.#another(),
      beside: () => this.#beside(),
    };
  }

  async #another() {
    const tab = await this.extras.open(this.#machine);
    if (!tab) return;
    this.tabs.select(tab);
    this.#focus(tab);
  }

  /** Two panels side by side, or one again; alone, a terminal gets a second one. */
  async #beside() {
    if (this.split.split) {
      this.split.close();
    } else {
      const { current } = this.tabs;
      const next = this.tabs.neighbour(current, 1);
      const tab = next === current || "files" in next.dataset ? await this.extras.open(current.dataset.machine) : next;
      if (tab) this.split.open(tab);
    }
    this.focus();
  }
}

const FLASH_MS = 160;

function flash(panel) {
  panel.classList.add("is-ringing");
  setTimeout(() => panel.classList.remove("is-ringing"), FLASH_MS);
}
