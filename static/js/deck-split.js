// One panel in the deck, or two side by side. Two slots; one of them is the current tab's.
import { startSeparator } from "./separator.js";

const HALF = 50;

/** `tabs` are the machine tabs; `changed()` is called when what is seen has changed. */
export class DeckSplit {
  #slots = [null, null];
  #active = 0;

  constructor(deck, tabs, changed) {
    Object.assign(this, { deck, tabs, changed });
    this.wide = matchMedia("(min-width: 47.01rem)");
    this.wide.addEventListener("change", () => (this.#arrange(), changed()));
    this.bar = deck.querySelector(".deck-split");
    startSeparator(this.bar, { frame: deck, holder: deck.parentElement, property: "--left-share", name: "split.deck", usual: HALF });
    // Where the keyboard is, there is the current tab.
    deck.addEventListener("focusin", (event) => {
      const slot = this.#slots.findIndex((tab) => tab && this.tabs.panelOf(tab).contains(event.target));
      if (slot >= 0 && slot !== this.#active) this.tabs.select(this.#slots[slot]);
    });
  }

  get split() {
    return this.#slots[1] !== null && this.wide.matches;
  }

  /** The tabs whose panels are seen, from left to right. */
  get seen() {
    return this.split ? this.#slots : [this.#slots[this.#active]];
  }

  /** `tab` has been selected: it takes the place of the one that was current. */
  show(tab) {
    const at = this.#slots.indexOf(tab);
    if (at >= 0) this.#active = at;
    else this.#slots[this.#active] = tab;
    this.#arrange();
  }

  /** Have `tab` beside the current one. */
  open(tab) {
    this.#slots = [this.#slots[this.#active], tab];
    this.#active = 0;
    this.tabs.select(tab);
  }

  close() {
    this.#slots = [this.#slots[this.#active], null];
    this.#active = 0;
    this.#arrange();
    this.changed();
  }

  /** `tab` goes away: it leaves its place to the other. */
  drop(tab) {
    if (!this.#slots.includes(tab)) return;
    const rest = this.#slots.filter((each) => each !== tab && each !== null);
    this.#slots = [rest[0] ?? null, null];
    this.#active = 0;
    if (rest[0] && tab === this.tabs.current) this.tabs.select(rest[0]);
  }

  #arrange() {
    const { seen } = this;
    this.deck.classList.toggle("is-split", seen.length > 1);
    this.bar.hidden = seen.length < 2;
    for (const tab of this.tabs.tabs) {
      const at = seen.length > 1 ? seen.indexOf(tab) : -1;
      const panel = this.tabs.panelOf(tab);
      panel.classList.toggle("is-left", at === 0);
      panel.classList.toggle("is-right", at === 1);
      tab.classList.toggle("is-beside", at >= 0);
    }
  }
}
