// A machine's files as a tree (the treeview pattern of the ARIA Authoring Practices).
import { folderOf, inside, isFolder } from "./editor-files.js";
import { h } from "./markup.js";

const HOME = "/home/learner";

/**
 * `list(path)` answers a folder's entries. Handlers: `open(path)` a file, `rename(path)`,
 * `remove(path)`, `problem(error)`.
 */
export class FileTree {
  #open = new Set([HOME]);
  #entries = new Map();
  #at = HOME;
  #drawn = "";

  constructor(element, list, handlers) {
    Object.assign(this, { element, list, handlers });
    element.addEventListener("click", (event) => this.#click(event));
    element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Forget everything: the tree is another machine's. */
  clear() {
    this.#open = new Set([HOME]);
    this.#entries.clear();
    this.#at = HOME;
    this.#drawn = "";
    this.element.replaceChildren();
  }

  /** The path of what is selected, and the folder that new things go to. */
  get at() {
    return this.#at;
  }

  get folder() {
    return this.#isFolder(this.#at) ? this.#at : folderOf(this.#at);
  }

  isFolder(path) {
    return this.#isFolder(path);
  }

  /** The etag of a file that is listed, or undefined. */
  etagOf(path) {
    return this.#entries.get(folderOf(path))?.find(({ name }) => inside(folderOf(path), name) === path)?.etag;
  }

  /** Whether the folder of `path` is listed. */
  lists(path) {
    return this.#entries.has(folderOf(path));
  }

  /** Read every open folder again. */
  async refresh() {
    const folders = [...this.#open];
    await Promise.all(folders.map(async (path) => {
      try {
        this.#entries.set(path, await this.list(path));
      } catch (error) {
        this.#open.delete(path);
        this.#entries.delete(path);
        if (path === HOME) this.handlers.problem(error);
      }
    }));
    this.#draw();
  }

  /** Select a path and open the folders above it. */
  async reveal(path) {
    for (let folder = folderOf(path); folder.startsWith(HOME); folder = folderOf(folder)) this.#open.add(folder);
    this.#at = path;
    await this.refresh();
  }

  #isFolder(path) {
    if (path === HOME) return true;
    const entry = this.#entries.get(folderOf(path))?.find(({ name }) => inside(folderOf(path), name) === path);
    return entry ? isFolder(entry) : false;
  }

  #draw() {
    // A click begins and ends on the same element: what has not changed stays as it is.
    const drawn = JSON.stringify([[...this.#open], [...this.#entries], this.#at]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const held = this.element.contains(document.activeElement);
    this.element.replaceChildren(this.#item(HOME, "~", { type: "folder" }, 1));
    const items = [...this.element.querySelectorAll('[role="treeitem"]')];
    const current = items.find((item) => item.dataset.path === this.#at) ?? items[0];
    this.#at = current.dataset.path;
    for (const item of items) item.tabIndex = item === current ? 0 : -1;
    current.setAttribute("aria-selected", "true");
    if (held) current.focus();
  }

  #item(path, name, entry, level) {
    const folder = isFolder(entry);
    const open = folder && this.#open.has(path);
    const words = entry.type === "link" ? ` → ${entry.to ?? "∅"}` : "";
    const item = h("li", {
      role: "treeitem", "data-path": path, "aria-level": level, "aria-selected": "false",
      "aria-expanded": folder ? String(open) : null, tabindex: "-1",
    }, h("span", { class: `tree-row${folder ? " is-folder" : ""}`, style: `--level: ${level}` },
      h("span", { class: "tree-mark", "aria-hidden": "true" }, folder ? (open ? "▾" : "▸") : ""), name,
      words ? h("span", { class: "tree-link" }, words) : null));
    if (open) {
      item.append(h("ul", { role: "group" }, (this.#entries.get(path) ?? []).map((each) =>
        this.#item(inside(path, each.name), each.name, each, level + 1))));
    }
    return item;
  }

  #select(item, { focus = true } = {}) {
    for (const each of this.element.querySelectorAll('[role="treeitem"]')) {
      each.tabIndex = each === item ? 0 : -1;
      each.setAttribute("aria-selected", String(each === item));
    }
    this.#at = item.dataset.path;
    this.#drawn = JSON.stringify([[...this.#open], [...this.#entries], this.#at]);
    if (focus) item.focus();
  }

  #click(event) {
    const item = event.target.closest('[role="treeitem"]');
    if (!item) return;
    this.#select(item);
    this.#act(item);
  }

  #act(item) {
    if (item.hasAttribute("aria-expanded")) this.#toggle(item.dataset.path);
    else this.handlers.open(item.dataset.path);
  }

  async #toggle(path) {
    if (this.#open.has(path)) {
      this.#open.delete(path);
      this.#draw();
      return;
    }
    try {
      this.#entries.set(path, await this.list(path));
      this.#open.add(path);
    } catch (error) {
      this.handlers.problem(error);
    }
    this.#draw();
  }

  #key(event) {
    const item = event.target.closest('[role="treeitem"]');
    if (!item || event.altKey || event.ctrlKey || event.metaKey) return;
    const items = [...this.element.querySelectorAll('[role="treeitem"]')];
    const at = items.indexOf(item);
    const { path } = item.dataset;
    const open = item.getAttribute("aria-expanded");
    const above = item.parentElement.closest('[role="treeitem"]');
    const acts = {
      ArrowDown: () => items[at + 1] && this.#select(items[at + 1]),
      ArrowUp: () => items[at - 1] && this.#select(items[at - 1]),
      Home: () => this.#select(items[0]),
      End: () => this.#select(items.at(-1)),
      ArrowRight: () => (open === "false" ? this.#toggle(path) : open === "true" && items[at + 1] && this.#select(items[at + 1])),
      ArrowLeft: () => (open === "true" ? this.#toggle(path) : above && this.#select(above)),
      Enter: () => this.#act(item),
      " ": () => this.#act(item),
      F2: () => this.handlers.rename(path),
      Delete: () => this.handlers.remove(path),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}
