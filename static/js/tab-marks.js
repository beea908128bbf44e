// What happened in a terminal that is not in view: new output, or a bell.

import { gettext } from "./words.js";
const WORDS = { news: gettext("new output"), bell: gettext("the bell rang") };

/** Mark `tab` with "news" or "bell"; a bell stays when output follows. */
export function markTab(tab, what) {
  if (!tab || tab.dataset.mark === what || tab.dataset.mark === "bell") return;
  tab.dataset.mark = what;
  tab.setAttribute("aria-description", WORDS[what]);
}

/** The tab's terminal is in view. */
export function unmarkTab(tab) {
  if (!tab?.dataset.mark) return;
  delete tab.dataset.mark;
  tab.removeAttribute("aria-description");
}
