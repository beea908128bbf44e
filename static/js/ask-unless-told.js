// A question that can be answered for the rest of the visit.
import { ask } from "./dialog.js";
import { h } from "./markup.js";
import { gettext } from "./words.js";

const kept = (name) => `slipway.told.${name}`;

function told(name) {
  try {
    return sessionStorage.getItem(kept(name)) === "yes";
  } catch {
    return false;
  }
}

function remember(name) {
  try {
    sessionStorage.setItem(kept(name), "yes");
  } catch {
    // Without storage the question is asked again.
  }
}

/** Like `ask`, but true at once when an earlier yes came with "don't ask again in this tab". */
export async function askUnlessTold(name, question) {
  if (told(name)) return true;
  const box = h("input", { type: "checkbox" });
  const yes = await ask({ ...question, extra: h("label", { class: "ask-check" }, box, gettext("Don't ask again in this tab")) });
  if (yes && box.checked) remember(name);
  return yes;
}
