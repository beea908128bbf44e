// Single keys: what carries data-shortcut is clicked by its key; "?" lists what the page has.
//
// They can be switched off in that list (WCAG 2.1.4), and never act while something takes text,
// nor anywhere among the machines: who types while they start means the terminal to come.
import { h } from "./markup.js";
import { keep, recall } from "./kept.js";
import { gettext } from "./words.js";

const TAKES_TEXT = "input, textarea, select, [contenteditable], .machines, .ap-player, iframe, dialog";

const on = () => recall("shortcuts", "on") === "on";
const targets = () => [...document.querySelectorAll("[data-shortcut]")].filter((element) => element.offsetParent !== null || element.matches("a"));

/** Keys that belong to the page as a whole: `{key, label, action}`; a lesson adds its own. */
const added = [];

export function addShortcut(shortcut) {
  added.push(shortcut);
}

function listed() {
  const own = targets().map((element) => ({
    key: element.dataset.shortcut,
    label: element.dataset.shortcutLabel ?? element.textContent.trim(),
    action: () => element.click(),
  }));
  const keys = new Set();
  return [...own, ...added].filter(({ key }) => !keys.has(key) && keys.add(key));
}

function row(key, label) {
  return h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, label));
}

function help() {
  const before = document.activeElement;
  const box = h("input", { type: "checkbox", onchange: () => keep("shortcuts", box.checked ? "on" : "off") });
  box.checked = on();
  const fixed = document.getElementById("machines")
    ? [row("F6", gettext("To the terminal, and out of it")), row("Ctrl+Shift+C", gettext("Copy in the terminal")),
       row("Ctrl+Shift+V", gettext("Paste in the terminal")), row("Ctrl+Shift+F", gettext("Find in the terminal"))]
    : [];
  const dialog = h("dialog", { class: "ask keys", "aria-labelledby": "keys-title" },
    h("h2", { id: "keys-title" }, gettext("Keys on this page")),
    h("dl", {}, listed().map(({ key, label }) => row(key, label)), row("?", gettext("This list")), row("Esc", gettext("Close a list or a card")), fixed),
    h("label", { class: "keys-on" }, box, gettext("Single keys work on this site")),
    h("form", { method: "dialog", class: "acts" }, h("button", { class: "btn btn-main", type: "submit" }, gettext("Close"))));
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("button").focus();
}

for (const button of document.querySelectorAll('[data-action="keys"]')) {
  button.hidden = false;
  button.addEventListener("click", help);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.(TAKES_TEXT) || !on()) return;
  const action = event.key === "?" ? help : listed().find(({ key }) => key === event.key)?.action;
  if (!action) return;
  event.preventDefault();
  action();
});
