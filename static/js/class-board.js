// The board of a class keeps itself up to date while somebody looks at it.
import { announce } from "./announce.js";
import { morph } from "./morph.js";
import { gettext } from "./words.js";

const EVERY_MS = 4_000;
const LONGEST_MS = 30_000;

const page = document.querySelector("[data-board]");
const stale = page.querySelector("[data-stale]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

const address = new URL(page.dataset.board, location.href);
address.searchParams.set("zone", zone);

let etag = "";
let timer = 0;
let failures = 0;
let asking = false;
let freshAt = new Date();

/** Ask for what has changed; a page that is hidden asks nothing. */
async function look() {
  clearTimeout(timer);
  if (document.hidden || asking) return;
  asking = true;
  const over = await refresh();
  asking = false;
  if (!over) timer = setTimeout(look, Math.min(EVERY_MS * 2 ** failures, LONGEST_MS));
}

/** True when asking again would be in vain. */
async function refresh() {
  try {
    const answer = await fetch(address, {
      headers: etag ? { "If-None-Match": etag } : {},
      cache: "no-store",
      credentials: "same-origin",
    });
    if (answer.status === 404) return gone();
    if (!answer.ok && answer.status !== 304) throw new Error(String(answer.status));
    if (answer.ok) {
      draw(await answer.text());
      etag = answer.headers.get("ETag") ?? "";
    }
    fresh();
  } catch {
    failed();
  }
  return false;
}

function draw(html) {
  const wanted = new DOMParser().parseFromString(html, "text/html");
  const before = calls();
  for (const part of page.querySelectorAll("[data-live]")) {
    const next = wanted.querySelector(`[data-live="${part.dataset.live}"]`);
    if (next) morph(part, next);
  }
  const now = calls().filter((call) => !before.includes(call));
  if (now.length) announce(now.join(" "));
  document.dispatchEvent(new CustomEvent("slipway:board"));
}

/** What is said of each who needs help. */
const calls = () => [...page.querySelectorAll("[data-calls] > li")].map((call) => call.textContent.trim());

function fresh() {
  failures = 0;
  freshAt = new Date();
  stale.hidden = true;
}

function failed() {
  failures += 1;
  // One answer that got lost is no news; the next one is seconds away.
  if (failures < 2) return;
  const time = freshAt.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  say(gettext("The site does not answer. This is how it was at %(time)s.", { time }));
}

function gone() {
  say(gettext("This board is no longer kept up to date: the class is closed, or you are signed out. Load the page again."));
  return true;
}

function say(text) {
  if (stale.textContent !== text) stale.textContent = text;
  stale.hidden = false;
}

for (const field of page.querySelectorAll("[data-zone]")) field.value = zone;
for (const note of page.querySelectorAll("[data-zone-note]")) note.hidden = zone !== "";
document.addEventListener("visibilitychange", look);
addEventListener("online", look);
look();
