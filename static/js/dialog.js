// Questions the page asks before something that can't be taken back.
import { h } from "./markup.js";

function open(parts, focusSelector) {
  const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-title" }, ...parts);
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector(focusSelector)?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus?.();
      resolve(dialog.returnValue);
    });
  });
}

const button = (label, value, main) =>
  h("button", { class: `btn${main ? " btn-main" : ""}`, value, type: "submit" }, label);

/**
 * Ask a question with two answers that name what they do. Resolves to true for `yes`;
 * Escape and `no` are the same. `sample` is shown as plain text; `extra` is an element to fill in.
 */
export async function ask({ title, text, sample, extra, yes, no }) {
  const answer = await open(
    [
      h("h2", { id: "ask-title" }, title),
      text ? h("p", {}, text) : null,
      sample ? h("pre", { tabindex: "0" }, sample) : null,
      // Within the form, so that Enter in a field of one line is the first button.
      h("form", { method: "dialog" }, extra, h("div", { class: "acts" }, button(yes, "yes", true), button(no, "no", false))),
    ].filter(Boolean),
    extra?.matches("input, textarea") ? "input, textarea" : 'button[value="yes"]',
  );
  return answer === "yes";
}

/** Show `content` (elements) under a title until it is closed. */
export async function show({ title, content, close }) {
  await open(
    [h("h2", { id: "ask-title" }, title), ...content, h("form", { method: "dialog", class: "acts" }, button(close, "close", true))],
    'button[value="close"]',
  );
}
