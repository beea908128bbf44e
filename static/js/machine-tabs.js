// The tabs over the machine pane: one a machine, one a preview. Arrow keys move, Home and End
// jump (the tabs pattern of the ARIA Authoring Practices, automatic activation).

/** `selected(tab)` is called after each change of tab. */
export class MachineTabs {
  constructor(list, selected) {
    this.tabs = [...list.querySelectorAll('[role="tab"]')];
    this.selected = selected;
    list.addEventListener("click", (event) => {
      const tab = event.target.closest('[role="tab"]');
      if (tab) this.select(tab);
    });
    list.addEventListener("keydown", (event) => this.#move(event));
  }

  get current() {
    return this.tabs.find((tab) => tab.getAttribute("aria-selected") === "true");
  }

  /** The tab of a machine's terminal. */
  ofMachine(name) {
    return this.tabs.find((tab) => tab.dataset.machine === name && !tab.dataset.port);
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

  #move(event) {
    const at = this.tabs.indexOf(event.target.closest('[role="tab"]'));
    if (at < 0) return;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: this.tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const tab = this.tabs.at(to % this.tabs.length);
    tab.focus();
    this.select(tab);
  }
}
