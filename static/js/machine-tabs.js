// The tabs over the machine pane: one a terminal, one a preview. Arrow keys move, Home and End
// jump, Delete closes (the tabs pattern of the ARIA Authoring Practices, automatic activation).

/**
 * `selected(tab)` is called after each change of tab; `actions` may hold `close(tab)`, for tabs
 * that have a cross, and `rename(tab)`, for tabs that have `data-terminal`.
 */
export class MachineTabs {
  constructor(list, selected, actions = {}) {
    Object.assign(this, { list, selected, actions });
    list.addEventListener("click", (event) => {
      const tab = event.target.closest('[role="tab"]');
      if (!tab) return;
      if (event.target.closest(".tab-close")) actions.close?.(tab);
      else this.select(tab);
    });
    list.addEventListener("dblclick", (event) => this.#rename(event.target.closest("[data-terminal]")));
    list.addEventListener("keydown", (event) => this.#key(event));
  }

  get tabs() {
    return [...this.list.querySelectorAll('[role="tab"]')];
  }

  get current() {
    return this.tabs.find((tab) => tab.getAttribute("aria-selected") === "true");
  }

  /** The tab of a terminal; without a name, of the machine's main one. */
  ofMachine(machine, terminal = undefined) {
    return this.tabs.find((tab) =>
      tab.dataset.machine === machine && isTerminal(tab) && tab.dataset.terminal === terminal);
  }

  panelOf(tab) {
    return document.getElementById(tab.getAttribute("aria-controls"));
  }

  select(tab) {
    for (const each of this.tabs) {
      each.setAttribute("aria-selected", String(each === tab));
      each.tabIndex = each === tab ? 0 : -1;
    }
    tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.selected(tab);
  }

  /** Put `tab` behind the other terminals of its machine. */
  add(tab) {
    const same = this.tabs.filter((each) => each.dataset.machine === tab.dataset.machine && isTerminal(each));
    same.at(-1).after(tab);
  }

  /** Take `tab` away; its neighbour follows if it was the current one. */
  remove(tab) {
    const was = tab === this.current;
    const held = tab.contains(document.activeElement);
    const next = this.tabs[this.tabs.indexOf(tab) - 1];
    tab.remove();
    if (was) this.select(next);
    if (held) next.focus();
  }

  /** The tab `step` places on from `tab`, around the ends. */
  neighbour(tab, step) {
    const { tabs } = this;
    return tabs.at((tabs.indexOf(tab) + step) % tabs.length);
  }

  #key(event) {
    const tab = event.target.closest('[role="tab"]');
    if (!tab) return;
    const moves = { ArrowRight: () => this.neighbour(tab, 1), ArrowLeft: () => this.neighbour(tab, -1), Home: () => this.tabs[0], End: () => this.tabs.at(-1) };
    if (moves[event.key]) {
      event.preventDefault();
      const to = moves[event.key]();
      to.focus();
      this.select(to);
    } else if (event.key === "Delete" && tab.querySelector(".tab-close")) {
      event.preventDefault();
      this.actions.close?.(tab);
    } else if (event.key === "F2") {
      event.preventDefault();
      this.#rename(tab);
    }
  }

  #rename(tab) {
    if (tab?.dataset.terminal) this.actions.rename?.(tab);
  }
}

/** Whether a tab is a terminal's, rather than a preview's or the files'. */
export const isTerminal = ({ dataset }) => !dataset.port && !("files" in dataset);
