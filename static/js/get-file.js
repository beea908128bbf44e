// A file from a machine: the folders of its home to walk through, a link for each file.
import { ApiError, UNREACHABLE } from "./api.js";
import { show } from "./dialog.js";
import { h, icon } from "./markup.js";
import { size } from "./sizes.js";
import { filesAddress } from "./upload.js";
import { gettext } from "./words.js";

const parent = (path) => path.replace(/\/[^/]+$/, "") || "/";

/** Show what is in `~` of a machine and let the learner save files of it. */
export async function getFile(sandboxId, machine) {
  const where = h("p", { class: "data" });
  const list = h("ul", { class: "file-list" });
  const go = async (path) => {
    try {
      const found = await entries(sandboxId, machine, path);
      where.textContent = found.path;
      list.replaceChildren(...rows(sandboxId, machine, found, go));
      list.querySelector("a, button")?.focus();
    } catch (error) {
      list.replaceChildren(h("li", {}, [error.message, error.hint].filter(Boolean).join(" ")));
    }
  };
  go("~");
  await show({ title: gettext("Files on %(machine)s", { machine }), content: [where, list], close: gettext("Close") });
}

async function entries(sandboxId, machine, path) {
  const response = await fetch(filesAddress(sandboxId, machine, { list: path })).catch(() => null);
  if (!response) throw new ApiError(0, UNREACHABLE);
  const body = await response.json();
  if (!response.ok) throw new ApiError(response.status, body.error);
  return body;
}

function rows(sandboxId, machine, found, go) {
  const at = (name) => `${found.path === "/" ? "" : found.path}/${name}`;
  const order = (a, b) => (b.type === "folder") - (a.type === "folder") || a.name.localeCompare(b.name);
  const up = found.path === "/" ? [] : [h("li", {}, folder("..", () => go(parent(found.path))))];
  const own = found.entries.filter(({ type }) => type !== "other").sort(order).map((entry) =>
    h("li", {}, entry.type === "folder"
      ? folder(entry.name, () => go(at(entry.name)))
      : [
          h("a", { href: filesAddress(sandboxId, machine, { path: at(entry.name) }), download: entry.name }, entry.name),
          h("span", { class: "num quiet" }, size(entry.bytes)),
        ]));
  return own.length ? [...up, ...own] : [...up, h("li", { class: "quiet" }, gettext("Nothing is in this folder."))];
}

const folder = (name, onclick) =>
  h("button", { class: "btn btn-small btn-bare", type: "button", onclick }, icon("down"), `${name}/`);
