// Terminals beside a machine's main one: opened, renamed and closed here, listed by the snapshot.
import { call, segment } from "./api.js";
import { ask } from "./dialog.js";
import { h, icon } from "./markup.js";
import { gettext } from "./words.js";

const TITLE_CHARACTERS = 40;
const EXIT_WAIT_MS = 1_000;

const idOf = (machine, name) => `${machine}--${name}`;

/**
 * Handlers: `problem(error)` says what the API refused, `dropped(tab)` is called before a tab
 * goes, `focus(tab)` hands the keyboard to its terminal.
 */
export class ExtraTerminals {
  // Tabs whose end is being told: by a request of this page, or by the shell's exit code.
  #closing = new Set();
  // Tabs that are no longer listed, with the timers until that is said without an exit code.
  #unlisted = new Map();

  constructor(state, tabs, deck, lines, handlers) {
    Object.assign(this, { state, tabs, deck, lines, handlers });
  }

  /** Have a tab and a panel for every terminal of the snapshot, and for no other. */
  follow() {
    const machines = this.state.usable ? this.state.snapshot.machines : [];
    const wanted = new Map(machines.flatMap((machine) =>
      (machine.terminals ?? []).filter(({ name }) => name !== machine.terminal)
        .map((terminal) => [idOf(machine.name, terminal.name), { machine, ...terminal }])));
    for (const tab of this.tabs.tabs.filter((each) => each.dataset.terminal)) {
      const listed = wanted.has(idOf(tab.dataset.machine, tab.dataset.terminal));
      if (!listed && machines.length && !this.#closing.has(tab.id)) this.#unlist(tab);
      // Listed again: another shell of the same name, which this tab's connection knows nothing of.
      else if (!listed || this.#unlisted.has(tab.id)) this.#drop(tab);
    }
    for (const terminal of wanted.values()) this.#have(terminal);
  }

  /** Open another terminal of `machine`; answers its tab, or null. */
  async open(machine, title = undefined) {
    const made = await this.#ask("POST", `${this.#address(machine)}`, title ? { title } : {});
    if (!made) return null;
    this.lines.clear("closed");
    this.state.terminal({ change: "opened", machine, terminal: made.name, title: made.title });
    return this.tabs.ofMachine(machine, made.name);
  }

  async rename(tab) {
    const { machine, terminal } = tab.dataset;
    const field = h("input", { type: "text", maxlength: TITLE_CHARACTERS, "aria-label": gettext("Name of the terminal") });
    field.value = titleOf(tab);
    field.select();
    const yes = await ask({ title: gettext("Rename this terminal"), extra: field, yes: gettext("Rename"), no: gettext("Leave it") });
    const title = field.value.trim();
    if (!yes || !title || title === titleOf(tab)) return;
    const renamed = await this.#ask("PATCH", `${this.#address(machine)}/${segment(terminal)}`, { title });
    if (renamed) this.state.terminal({ change: "renamed", machine, terminal, title: renamed.title });
  }

  async close(tab) {
    const { machine, terminal } = tab.dataset;
    if (this.#closing.has(tab.id)) return;
    this.#closing.add(tab.id);
    // 404: its shell has just ended by itself, which is what was wanted.
    const done = await this.#ask("DELETE", `${this.#address(machine)}/${segment(terminal)}`, undefined, 404);
    if (done) this.#closed(tab, this.#closedWords(tab));
    this.#closing.delete(tab.id);
  }

  /** The list may be quicker than the terminal's own connection, which tells how the shell ended. */
  #unlist(tab) {
    if (this.#unlisted.has(tab.id)) return;
    this.#unlisted.set(tab.id, setTimeout(() => this.over(tab, null), EXIT_WAIT_MS));
  }

  /** The shell of `tab` ended with `code`, null if nobody says, unless it did because we closed it. */
  over(tab, code) {
    if (!tab || this.#closing.has(tab.id)) return;
    this.#closing.add(tab.id);
    this.#closed(tab, code === null ? this.#closedWords(tab) : gettext("The shell of %(tab)s on %(machine)s ended with exit %(code)s.", { tab: titleOf(tab), machine: tab.dataset.machine, code }));
    this.#closing.delete(tab.id);
  }

  #closedWords(tab) {
    return gettext("%(tab)s on %(machine)s is closed; its shell has ended.", { tab: titleOf(tab), machine: tab.dataset.machine });
  }

  #closed(tab, words) {
    const { machine, terminal } = tab.dataset;
    this.state.terminal({ change: "closed", machine, terminal, title: titleOf(tab) });
    this.#say(tab, words);
  }

  #say(tab, words) {
    const { machine } = tab.dataset;
    const title = titleOf(tab);
    const again = async () => {
      const opened = await this.open(machine, title);
      if (!opened) return;
      this.tabs.select(opened);
      this.handlers.focus(opened);
    };
    this.lines.show("closed", {
      text: words,
      actions: [
        { label: gettext("Open it again"), onclick: again },
        { label: gettext("Got it"), onclick: () => this.lines.clear("closed") },
      ],
    });
  }

  #address(machine) {
    return `/sandboxes/${segment(this.state.id)}/machines/${segment(machine)}/terminals`;
  }

  async #ask(method, path, body = undefined, fine = null) {
    try {
      return (await call(method, path, body)).body ?? {};
    } catch (error) {
      if (error.status === fine) return {};
      this.handlers.problem(error);
      return null;
    }
  }

  #have({ machine, name, title }) {
    const known = this.tabs.ofMachine(machine.name, name);
    if (known) {
      known.querySelector(".tab-title").textContent = title;
      this.tabs.panelOf(known).dataset.title = `${machine.name}: ${title}`;
      return;
    }
    const id = idOf(machine.name, name);
    const data = { "data-machine": machine.name, "data-terminal": name };
    const tab = h("button", {
      class: `tab tab-extra${machine.kind === "vm" ? " tab-house" : ""}`, role: "tab", id: `tab-${id}`,
      "aria-controls": `panel-${id}`, "aria-selected": "false", tabindex: "-1", type: "button",
      title: "F2 renames, Delete closes", ...data,
    }, icon("run"), h("span", { class: "tab-machine" }, machine.name), h("span", { class: "tab-title" }, title),
    h("span", { class: "tab-close", "aria-hidden": "true", title: gettext("Close this terminal; its shell ends") }, "×"));
    const panel = h("div", {
      class: "panel-term", role: "tabpanel", id: `panel-${id}`, "aria-labelledby": `tab-${id}`, hidden: true,
      "data-kind": machine.kind, "data-title": `${machine.name}: ${title}`, ...data,
    }, h("div", { class: "term-host", "data-term": "" }));
    this.deck.append(panel);
    this.tabs.add(tab);
  }

  #drop(tab) {
    clearTimeout(this.#unlisted.get(tab.id));
    this.#unlisted.delete(tab.id);
    const panel = this.tabs.panelOf(tab);
    const held = panel.contains(document.activeElement);
    this.handlers.dropped(tab);
    panel.remove();
    this.tabs.remove(tab);
    if (held) this.handlers.focus(this.tabs.current);
  }
}

export function titleOf(tab) {
  return tab.querySelector(".tab-title")?.textContent ?? "";
}
