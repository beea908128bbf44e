// Keys that stay with the page; all others go to the machine.
import { copyText } from "./clipboard.js";
import { settings } from "./terminal-settings.js";

const isMac = /^(Mac|iP)/.test(navigator.platform);

/** Put the selection of `term` on the clipboard; false when nothing is selected. */
export function copySelection(term, { keepSelection = false } = {}) {
  if (!term.hasSelection()) return false;
  const focused = document.activeElement === term.textarea;
  copyText(term.getSelection()).then(() => focused && term.focus());
  if (!keepSelection) term.clearSelection();
  return true;
}

// Ctrl+V is typed where a full-screen program has the screen (vim selects columns with it);
// at a prompt it pastes, as everywhere else in a browser.
function pastes(term, event, key) {
  if (key !== "v" || !event.ctrlKey) return false;
  return event.shiftKey || (!isMac && term.buffer.active.type === "normal");
}

/**
 * `actions`: functions by name. What a key means is written down for learners in
 * `docs/terminal.md` and in the list of the settings panel.
 */
export function handleKeys(term, actions) {
  const withControlShift = {
    c: () => copySelection(term),
    f: actions.find,
    arrowup: () => actions.jump(-1),
    arrowdown: () => actions.jump(1),
    arrowleft: () => actions.neighbour(-1),
    arrowright: () => actions.neighbour(1),
    enter: actions.another,
    s: actions.beside,
  };
  const meaning = (event) => {
    if (event.altKey) return null;
    const key = event.key.toLowerCase();
    const copies = key === "c" && !event.shiftKey && term.hasSelection();
    if (event.metaKey) return isMac && copies ? () => copySelection(term) : null;
    if (event.key === "F6") return event.ctrlKey || event.shiftKey ? null : actions.leave;
    if (!event.ctrlKey) return null;
    if (event.shiftKey) return withControlShift[key] ?? null;
    return copies ? () => copySelection(term) : null;
  };
  term.attachCustomKeyEventHandler((event) => {
    if (event.type !== "keydown") return true;
    // Left to the browser, which answers with a paste event.
    if (pastes(term, event, event.key.toLowerCase())) return false;
    const action = meaning(event);
    if (!action) return true;
    event.preventDefault();
    action();
    return false;
  });
}

/** Copy what the mouse has selected as soon as its button is let go, where that is set. */
export function copyOnSelect(term, host, signal) {
  host.addEventListener("pointerup", () => {
    if (!settings.on("copyOnSelect")) return;
    // xterm closes the selection in its own handler of the same event.
    setTimeout(() => copySelection(term, { keepSelection: true }));
  }, { signal });
}
