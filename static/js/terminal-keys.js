// Keys and pasting: what goes to the machine, what stays with the page.
import { ask } from "./dialog.js";
import { copyText } from "./clipboard.js";

// Whole escape sequences first, so that no rest of one is left to read; an ESC that stayed
// could end the bracketed paste early and make what follows count as typed.
const ESCAPE_SEQUENCE = /\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[ -/]*[0-~])/g;
// All control characters but tab, line feed and carriage return.
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]/g;
const SHOWN_LINES = 12;

/** Text that is safe to paste: no escape sequences, no control characters but tab and line ends. */
export function withoutControls(text) {
  return text.replace(ESCAPE_SEQUENCE, "").replace(CONTROL, "");
}

function copySelection(term) {
  if (!term.hasSelection()) return false;
  copyText(term.getSelection()).then(() => term.focus());
  term.clearSelection();
  return true;
}

/** `actions`: `leave()` and `find()`. Returns false for keys that the terminal must not get. */
export function handleKeys(term, actions) {
  term.attachCustomKeyEventHandler((event) => {
    if (event.type !== "keydown" || event.altKey || event.metaKey) return true;
    const keep = (action) => {
      event.preventDefault();
      action();
      return false;
    };
    if (event.key === "F6") return keep(actions.leave);
    if (!event.ctrlKey) return true;
    const key = event.key.toLowerCase();
    if (event.shiftKey && key === "c") return keep(() => copySelection(term));
    if (event.shiftKey && key === "f") return keep(actions.find);
    // Left to the browser, which answers with a paste event.
    if (event.shiftKey && key === "v") return false;
    if (!event.shiftKey && key === "c" && term.hasSelection()) return keep(() => copySelection(term));
    return true;
  });
}

/** Take over pasting on `host`; several lines are shown and asked about first. */
export function handlePaste(term, host, machine) {
  const paste = async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const text = withoutControls(event.clipboardData?.getData("text/plain") ?? "");
    if (!text) return;
    const lines = text.replace(/\r\n?/g, "\n").replace(/\n+$/, "").split("\n");
    if (lines.length > 1 && !(await confirmLines(lines, machine))) return;
    term.focus();
    term.paste(text);
  };
  host.addEventListener("paste", paste, true);
}

function confirmLines(lines, machine) {
  const rest = lines.length - SHOWN_LINES;
  const sample = lines.slice(0, SHOWN_LINES).join("\n") + (rest > 0 ? `\n… ${rest} more` : "");
  return ask({
    title: `Paste ${lines.length} lines into ${machine}?`,
    text: "A shell may run each line as it arrives.",
    sample,
    yes: `Paste into ${machine}`,
    no: "Leave it",
  });
}
