// Pasting: cleaned of control characters, and shown first when it has several lines.
import { askUnlessTold } from "./ask-unless-told.js";
import { ask } from "./dialog.js";
import { h } from "./markup.js";
import { gettext, ngettext } from "./words.js";

// Whole escape sequences first, so that no rest of one is left to read; an ESC that stayed
// could end the bracketed paste early and make what follows count as typed.
const ESCAPE_SEQUENCE = /\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[ -/]*[0-~])/g;
// All control characters but tab, line feed and carriage return.
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]/g;
const SHOWN_LINES = 12;
const TOLD = "paste-lines";

/** Text that is safe to paste: no escape sequences, no control characters but tab and line ends. */
export function withoutControls(text) {
  return text.replace(ESCAPE_SEQUENCE, "").replace(CONTROL, "");
}

/** Pasting into one terminal, however it was asked for: keys, mouse, menu, drop or a button. */
export class TerminalPaste {
  #term;
  #machine;

  /** `files(list)` is handed what a paste holds beside text, for example a picture. */
  constructor(term, host, machine, files) {
    this.#term = term;
    this.#machine = machine;
    const take = (event) => {
      event.preventDefault();
      event.stopPropagation();
      const data = event.clipboardData;
      const text = data?.getData("text/plain") ?? "";
      if (!text && data?.files.length) files([...data.files]);
      else this.text(text);
    };
    host.addEventListener("paste", take, true);
  }

  /** Paste `text` once the learner has agreed to its lines. */
  async text(text) {
    const clean = withoutControls(text);
    if (!clean || this.#term.options.disableStdin) return;
    const lines = clean.replace(/\r\n?/g, "\n").replace(/\n+$/, "").split("\n");
    const runs = !this.#term.modes.bracketedPasteMode && /[\r\n]/.test(clean);
    if ((lines.length > 1 || runs) && !(await this.#agreed(lines, runs))) return;
    this.#term.focus();
    this.#term.paste(clean);
  }

  /** Paste what is on the clipboard; where a page may not read it, ask for it in a field. */
  async clipboard() {
    const text = (await readClipboard()) ?? (await this.#askForText());
    if (text) await this.text(text);
    else this.#term.focus();
  }

  #agreed(lines, runs) {
    const rest = lines.length - SHOWN_LINES;
    const sample = lines.slice(0, SHOWN_LINES).join("\n") + (rest > 0 ? `\n${gettext("… %(rest)s more", { rest })}` : "");
    return askUnlessTold(TOLD, {
      title: ngettext("Paste %(count)s line into %(machine)s?", "Paste %(count)s lines into %(machine)s?", lines.length, { machine: this.#machine }),
      text: runs ? gettext("Each line runs as soon as it arrives.") : gettext("The shell shows them all and waits for Enter."),
      sample,
      yes: gettext("Paste into %(machine)s", { machine: this.#machine }),
      no: gettext("Leave it"),
    });
  }

  async #askForText() {
    const field = h("textarea", { rows: "5", "aria-label": gettext("Text to paste"), autocapitalize: "off", spellcheck: "false" });
    const yes = await ask({
      title: gettext("Paste into %(machine)s", { machine: this.#machine }),
      text: gettext("This browser does not hand the clipboard to the page. Paste here first: press long, or Ctrl+V."),
      extra: field,
      yes: gettext("Paste into %(machine)s", { machine: this.#machine }),
      no: gettext("Leave it"),
    });
    return yes ? field.value : null;
  }
}

/** The clipboard's text, or null where the browser or the learner refuses. */
async function readClipboard() {
  try {
    return await navigator.clipboard.readText();
  } catch {
    // No clipboard API on an insecure origin (a TypeError), or no permission.
    return null;
  }
}
