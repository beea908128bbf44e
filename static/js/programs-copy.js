// OSC 52: a program asks the terminal to put text on the learner's clipboard. Ignored unless
// the learner has allowed it; reading the clipboard that way is never answered.
import { withoutControls } from "./terminal-paste.js";

const OSC_CLIPBOARD = 52;
const LONGEST_CHARACTERS = 100_000;

/** `asked(text)` is called with what a program on `term` wants copied; not for old output. */
export function hearPrograms(term, replaying, asked) {
  term.parser.registerOscHandler(OSC_CLIPBOARD, (data) => {
    const text = decoded(data.slice(data.indexOf(";") + 1));
    if (text && !replaying()) asked(text);
    return true;
  });
}

/** The text of an OSC 52 payload without control characters; null when it is none. */
function decoded(payload) {
  if (payload === "?" || payload.length > LONGEST_CHARACTERS) return null;
  try {
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return withoutControls(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}
