// The keys that a phone's keyboard lacks, under the terminal. Ctrl holds for the next key.

const ESC = "\x1b";
const ARROWS = { up: "A", down: "B", right: "C", left: "D" };
const CONTROL_MASK = 0x1f;

/** What the key `name` sends; arrows depend on the mode that a program has set. */
function bytesOf(term, name) {
  const arrow = ARROWS[name];
  if (arrow) return ESC + (term.modes.applicationCursorKeysMode ? "O" : "[") + arrow;
  return { esc: ESC, tab: "\t", enter: "\r" }[name] ?? name;
}

/** The control character of `character`, or the character itself where it has none. */
function controlled(character) {
  const code = character.toUpperCase().charCodeAt(0);
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & CONTROL_MASK) : character;
}

/** The row of keys for whichever terminal `current()` answers. */
export class KeyRow {
  #held = false;
  #current;
  #control;

  constructor(element, current) {
    this.element = element;
    this.#current = current;
    this.#control = element.querySelector('[data-key="ctrl"]');
    // Taking the focus would put the phone's keyboard away at each key.
    element.addEventListener("pointerdown", (event) => event.preventDefault());
    element.addEventListener("click", (event) => {
      const name = event.target.closest("[data-key]")?.dataset.key;
      if (name) this.#press(name);
    });
  }

  /** What is typed instead of `data` while Ctrl is held. */
  modified(data) {
    if (!this.#held || data.length !== 1) return data;
    this.#hold(false);
    return controlled(data);
  }

  #press(name) {
    const view = this.#current();
    if (!view) return;
    if (name === "ctrl") this.#hold(!this.#held);
    else if (name === "paste") view.paste.clipboard();
    else if (name === "copy") view.copyText();
    else view.term.input(bytesOf(view.term, name));
  }

  #hold(on) {
    this.#held = on;
    this.#control.setAttribute("aria-pressed", String(on));
  }
}

