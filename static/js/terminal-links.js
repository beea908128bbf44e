// Addresses in terminal output: only http and https, and never opened without a question.
import { ask } from "./dialog.js";
import { WebLinksAddon } from "../vendor/addon-web-links/addon-web-links.mjs";
import { gettext } from "./words.js";

async function openAfterQuestion(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return;
  const yes = await ask({
    title: gettext("Open this address?"),
    text: gettext("It was printed by a program on the machine. It opens in a tab of its own, on your computer's network."),
    sample: url.href,
    yes: gettext("Open in a new tab"),
    no: gettext("Stay here"),
  });
  if (yes) open(url.href, "_blank", "noopener,noreferrer");
}

/** Make addresses in `term` clickable, both plain ones and those marked by OSC 8. */
export function handleLinks(term) {
  term.options.linkHandler = {
    activate: (_event, address) => openAfterQuestion(address),
    allowNonHttpProtocols: false,
  };
  term.loadAddon(new WebLinksAddon((_event, address) => openAfterQuestion(address)));
  term.onWriteParsed(() => forgetLinks(term));
}

/**
 * xterm looks for the links of a line once, and again only after the pointer was on another line:
 * what was printed there since would be clicked as the address that it replaced. There is no
 * public way to make it look again.
 */
function forgetLinks(term) {
  const { linkifier } = term._core;
  if (linkifier) linkifier._activeLine = -1;
}
