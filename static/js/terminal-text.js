// A terminal's output as plain text, to select from where fingers can't select on the screen.
import { ask } from "./dialog.js";
import { h } from "./markup.js";
import { gettext } from "./words.js";

const SHOWN_LINES = 400;

/** The last lines of `term`, with those that were wrapped put together again. */
function output(term) {
  const { active } = term.buffer;
  const lines = [];
  for (let row = 0; row < active.length; row += 1) {
    const line = active.getLine(row);
    const text = line.translateToString(true);
    if (line.isWrapped && lines.length) lines[lines.length - 1] += text;
    else lines.push(text);
  }
  return lines.join("\n").trimEnd().split("\n").slice(-SHOWN_LINES).join("\n");
}

/** Show the output; answers what the learner wants copied, or null. */
export async function showAsText(term, machine) {
  const field = h("textarea", { class: "ask-output", rows: "12", readonly: true, "aria-label": gettext("Output of %(machine)s", { machine }) });
  field.value = output(term);
  const yes = await ask({
    title: gettext("Copy from %(machine)s", { machine }),
    text: gettext("Select what you want. With nothing selected, all of it is copied."),
    extra: field,
    yes: gettext("Copy"),
    no: gettext("Close"),
  });
  if (!yes) return null;
  return field.value.slice(field.selectionStart, field.selectionEnd) || field.value;
}
