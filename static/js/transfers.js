// Files on their way into a machine: one line each, with how far it is and a way to break it off.
import { announce } from "./announce.js";
import { ask } from "./dialog.js";
import { h, icon } from "./markup.js";
import { size } from "./sizes.js";
import { upload } from "./upload.js";
import { gettext } from "./words.js";

const FILE_EXISTS = 409;
const MIB = 1024 * 1024;
const DONE_MS = 12_000;

/** `element` takes the lines, `limitMib` is what one file may have. */
export class Transfers {
  constructor(element, limitMib) {
    Object.assign(this, { element, limitMib });
  }

  /** Send `files` into the home of a machine, one after the other. */
  async send(sandboxId, machine, files) {
    for (const file of files) await this.#one(sandboxId, machine, file);
  }

  async #one(sandboxId, machine, file) {
    const name = nameOf(file);
    const line = this.#line(name, machine);
    if (file.size > this.limitMib * MIB) {
      line.end(gettext("%(name)s has %(size)s; a file may have %(limit)s MiB.", { name, size: size(file.size), limit: this.limitMib }), true);
      return;
    }
    const ask = { sandboxId, machine, path: `~/${name}`, file, moved: line.moved, signal: line.signal };
    try {
      const done = await uploadAsked(ask, name);
      if (done) line.end(gettext("%(name)s is in ~ on %(machine)s, %(size)s.", { name, machine, size: size(done.bytes) }), false);
      else line.end(gettext("%(name)s was not sent.", { name }), false);
    } catch (error) {
      const broken = error.name === "AbortError";
      line.end(broken ? gettext("%(name)s was broken off.", { name }) : [error.message, error.hint].filter(Boolean).join(" "), !broken);
    }
  }

  #line(name, machine) {
    const stop = new AbortController();
    const bar = h("progress", { max: "1", value: "0", "aria-label": gettext("Sending %(name)s", { name }) });
    const words = h("span", {}, gettext("Sending %(name)s to %(machine)s", { name, machine }));
    const cancel = h("button", { class: "btn btn-small btn-dark", type: "button", onclick: () => stop.abort() }, gettext("Break off"));
    const mark = h("span", {}, icon("write"));
    const element = h("div", { class: "line-now" }, mark, words, bar, h("span", { class: "end" }, cancel));
    this.element.append(element);
    announce(words.textContent);
    const end = (text, bad) => {
      words.textContent = text;
      bar.remove();
      mark.replaceChildren(icon(bad ? "fail" : "pass"));
      element.classList.toggle("is-bad", bad);
      cancel.replaceWith(h("button", { class: "btn btn-small btn-dark", type: "button", onclick: () => element.remove() }, gettext("Got it")));
      announce(text);
      if (!bad) setTimeout(() => element.remove(), DONE_MS);
    };
    return { moved: (share) => (bar.value = share), signal: stop.signal, end };
  }
}

/** Upload; what is there already is replaced only after a question. Null when it stays. */
async function uploadAsked(request, name) {
  try {
    return await upload({ ...request, overwrite: false });
  } catch (error) {
    if (error.status !== FILE_EXISTS || error.code !== "file_exists") throw error;
  }
  const yes = await ask({
    title: gettext("Replace %(name)s?", { name }),
    text: gettext("There is a %(name)s in ~ on %(machine)s.", { name, machine: request.machine }),
    yes: gettext("Replace it"),
    no: gettext("Leave it"),
  });
  return yes ? upload({ ...request, overwrite: true }) : null;
}

/** The file's name; a picture from the clipboard, which browsers all call image.png, gets the time. */
function nameOf(file) {
  const name = file.name.replace(/[\x00-\x1f\x7f/]/g, "_").replace(/^\.+$/, "_") || "file";
  if (name !== "image.png") return name;
  const time = new Date().toTimeString().slice(0, 8).replaceAll(":", "-");
  return `pasted-${time}.png`;
}
