// The light and dark switch. The kept choice is applied before the first paint by theme-early.js.
import { keep } from "./kept.js";
import { gettext } from "./words.js";

const root = document.documentElement;
const systemDark = matchMedia("(prefers-color-scheme: dark)");

const current = () => root.dataset.theme ?? (systemDark.matches ? "dark" : "light");

function say(button) {
  button.setAttribute("aria-label", current() === "dark" ? gettext("Switch to light") : gettext("Switch to dark"));
}

// The system may turn dark while the page is open; terminals take their colours anew.
systemDark.addEventListener("change", () => document.dispatchEvent(new CustomEvent("slipway:theme")));

for (const button of document.querySelectorAll('[data-action="theme"]')) {
  button.hidden = false;
  say(button);
  systemDark.addEventListener("change", () => say(button));
  button.addEventListener("click", () => {
    root.dataset.theme = current() === "dark" ? "light" : "dark";
    keep("theme", root.dataset.theme);
    say(button);
    document.dispatchEvent(new CustomEvent("slipway:theme"));
  });
}
