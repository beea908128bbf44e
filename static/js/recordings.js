// The learner's recordings: listed, played, saved and removed.
import { announce } from "./announce.js";
import { call, segment } from "./api.js";
import { ask } from "./dialog.js";
import { h, icon } from "./markup.js";
import { size } from "./sizes.js";
import { gettext } from "./words.js";

const IDLE_SECONDS = 2;
const list = document.querySelector("[data-recordings]");
const replay = document.querySelector("[data-replay]");
let player = null;

const address = (recording) => `/api/v1/recordings/${segment(recording.id)}`;
const day = (time) => new Date(time).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

function nameOf({ machine, terminal, title }) {
  return terminal === "main" ? machine : `${machine}: ${title || terminal}`;
}

function play(recording) {
  player?.dispose();
  replay.hidden = false;
  replay.querySelector("[data-replay-title]").textContent = nameOf(recording);
  // `AsciinemaPlayer` is what the vendored script defines.
  player = globalThis.AsciinemaPlayer.create(address(recording), replay.querySelector("[data-player]"), {
    autoPlay: true,
    fit: "width",
    idleTimeLimit: IDLE_SECONDS,
    terminalFontFamily: getComputedStyle(replay).getPropertyValue("--font-code").trim(),
  });
  replay.scrollIntoView({ block: "nearest" });
}

async function remove(recording, row) {
  const yes = await ask({
    title: gettext("Remove this recording?"),
    text: gettext("It is gone for good."),
    yes: gettext("Remove it"),
    no: gettext("Leave it"),
  });
  if (!yes) return;
  try {
    await call("DELETE", `/recordings/${segment(recording.id)}`);
    row.remove();
    say();
  } catch (error) {
    say(error);
  }
}

function row(recording) {
  const button = (label, name, onclick) => h("button", { class: "btn btn-small", type: "button", onclick }, icon(name), label);
  const item = h("li", {},
    h("b", {}, nameOf(recording)),
    h("span", { class: "quiet num" }, day(recording.started_at)),
    h("span", { class: "quiet num" }, gettext("%(seconds)s s, %(size)s", { seconds: Math.round(recording.seconds), size: size(recording.bytes) })),
    recording.cut ? h("span", { class: "state" }, gettext("cut at its limit")) : null,
    h("span", { class: "quiet" }, gettext("until %(day)s", { day: day(recording.expires_at) })),
    h("span", { class: "end" },
      button(gettext("Play"), "run", () => play(recording)),
      h("a", { class: "btn btn-small", href: address(recording), download: `${recording.id}.cast` }, gettext("Save")),
      button(gettext("Remove"), "close", () => remove(recording, item))));
  return item;
}

/** Below the list: what went wrong, or that there is nothing. */
function say(error = null) {
  const note = document.querySelector("[data-none]");
  note.hidden = !error && list.children.length > 0;
  note.textContent = error
    ? [error.message, error.hint].filter(Boolean).join(" ")
    : gettext("There is no recording of your terminals.");
  if (!note.hidden) announce(note.textContent);
}

try {
  const { body } = await call("GET", "/recordings");
  list.replaceChildren(...body.map(row));
  say();
} catch (error) {
  say(error);
}
