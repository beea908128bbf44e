// The files that are open in the editor, one in view: their tabs, and which have unsaved changes.
import { textOf } from "./editor-code.js";
import { nameOf } from "./editor-files.js";
import { h } from "./markup.js";
import { gettext } from "./words.js";

/** Handlers: `shown(file)` is told what is in view, null for nothing; `mayClose(file)` may say no. */
export class OpenFiles {
  #files = new Map();
  #current = null;

  constructor(element, code, handlers) {
    Object.assign(this, { element, code, handlers });
    element.addEventListener("keydown", (event) => this.#key(event));
  }

  get current() {
    return this.#current;
  }

  get all() {
    return [...this.#files.values()];
  }

  get dirty() {
    return this.all.some((file) => file.dirty);
  }

  /** Bring a file that is open into view; false when it is not open. */
  bring(path) {
    const file = this.#files.get(path);
    if (file) this.#show(file);
    return Boolean(file);
  }

  /** Open a file; without an etag it is not on the machine yet. */
  add(path, text, etag) {
    const file = { path, etag, state: this.code.open(nameOf(path), text), dirty: etag === null };
    file.savedText = etag === null ? null : textOf(file.state);
    file.tab = this.#tab(file);
    this.#files.set(path, file);
    this.element.append(file.tab);
    this.#show(file);
  }

  /** Another text for an open file, as the machine has it now. */
  replace(file, text, etag) {
    const inView = file === this.#current;
    Object.assign(file, { etag, state: this.code.open(nameOf(file.path), text), dirty: false });
    file.savedText = textOf(file.state);
    if (inView) this.code.show(file.state);
    this.#mark(file);
  }

  saved(file, text, etag) {
    Object.assign(file, { etag, savedText: text });
    this.#judge(file);
  }

  /** The text in view was changed. */
  changed() {
    if (this.#current) this.#judge(this.#current);
  }

  /** A file, or a folder above it, has another path. */
  moved(from, to) {
    for (const file of this.all) {
      if (file.path !== from && !file.path.startsWith(`${from}/`)) continue;
      this.#files.delete(file.path);
      file.path = to + file.path.slice(from.length);
      this.#files.set(file.path, file);
      file.tab.querySelector(".tab-title").textContent = nameOf(file.path);
      file.tab.title = file.path;
    }
    this.handlers.shown(this.#current);
  }

  /** A file, or a folder above it, was deleted by the learner: it closes. */
  gone(path) {
    for (const file of this.all) {
      if (file.path === path || file.path.startsWith(`${path}/`)) this.#drop(file);
    }
  }

  clear() {
    for (const file of this.all) this.#drop(file);
  }

  async close(file) {
    if (await this.handlers.mayClose(file)) this.#drop(file);
  }

  #drop(file) {
    const held = file.tab.contains(document.activeElement);
    const { all } = this;
    const next = all[all.indexOf(file) + 1] ?? all[all.indexOf(file) - 1] ?? null;
    this.#files.delete(file.path);
    file.tab.remove();
    if (file !== this.#current) return;
    this.#current = null;
    if (next) this.#show(next);
    else this.handlers.shown(null);
    if (held) next?.tab.focus();
  }

  #show(file) {
    if (this.#current) this.#current.state = this.code.state;
    this.#current = file;
    this.code.show(file.state);
    for (const { tab } of this.all) {
      tab.setAttribute("aria-selected", String(tab === file.tab));
      tab.tabIndex = tab === file.tab ? 0 : -1;
    }
    file.tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.#mark(file);
    this.handlers.shown(file);
  }

  #judge(file) {
    const state = file === this.#current ? this.code.state : file.state;
    file.dirty = textOf(state) !== file.savedText;
    this.#mark(file);
  }

  #mark(file) {
    file.tab.classList.toggle("is-dirty", file.dirty);
    file.tab.querySelector(".tab-dirty").textContent = file.dirty ? gettext("not saved") : "";
  }

  #tab(file) {
    return h("button", { class: "file-tab", role: "tab", type: "button", title: file.path, "aria-selected": "false",
      onclick: (event) => (event.target.closest(".tab-close") ? this.close(file) : (this.#show(file), this.code.focus())),
    }, h("span", { class: "tab-title" }, nameOf(file.path)), h("span", { class: "tab-dirty visually-hidden" }),
    h("span", { class: "tab-close", "aria-hidden": "true", title: gettext("Close (Delete)") }, "×"));
  }

  #key(event) {
    const { all } = this;
    const at = all.findIndex(({ tab }) => tab === event.target.closest('[role="tab"]'));
    if (at < 0) return;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) {
      const file = all.at(to % all.length);
      this.#show(file);
      file.tab.focus();
    } else if (event.key === "Delete") {
      this.close(all[at]);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
