// The Files panel: a machine's files as a tree, and the open ones in an editor.
import { CodeView, textOf } from "./editor-code.js";
import { MachineFiles, folderOf, inside, nameOf } from "./editor-files.js";
import { OpenFiles } from "./editor-open.js";
import { FileTree } from "./editor-tree.js";
import { ask } from "./dialog.js";
import { h, icon } from "./markup.js";
import { gettext } from "./words.js";

const HOME = "/home/learner";
const absolute = (path) => (path === "~" || path.startsWith("~/") ? HOME + path.slice(1) : path);

/** Fills `panel`. `state` is the sandbox's, `machines()` the names of machines that have files. */
export class Editor {
  constructor(panel, state, machines) {
    Object.assign(this, { panel, state, machines });
    this.#build();
    this.tree = new FileTree(this.treeElement, (path) => this.files.list(path), {
      open: (path) => this.open(path),
      rename: (path) => this.rename(path),
      remove: (path) => this.remove(path),
      problem: (error) => this.say(error),
    });
    this.code = new CodeView(this.codeElement, {
      save: () => this.save(),
      changed: () => this.opened.changed(),
    });
    this.opened = new OpenFiles(this.tabsElement, this.code, {
      shown: (file) => this.#shown(file),
      mayClose: (file) => this.#mayClose(file),
    });
    document.addEventListener("slipway:command-seen", ({ detail }) => detail.machine === this.machine && this.#look());
    addEventListener("beforeunload", (event) => this.opened.dirty && event.preventDefault());
    this.#shown(null);
  }

  get files() {
    return new MachineFiles(this.state.id, this.machine);
  }

  /** The panel comes into view: the sandbox may be another one, its files may have changed. */
  async show() {
    if (!this.state.usable) return;
    const names = this.machines();
    if (!names.includes(this.machine) || this.sandboxId !== this.state.id) await this.#use(names.includes(this.machine) ? this.machine : names[0]);
    else await this.#look();
  }

  /** Open a file of a machine; one that does not exist yet begins with `content`, unsaved. */
  async openOn(machine, path, content) {
    if (machine !== this.machine && this.opened.dirty && !(await this.#leave())) return;
    if (machine !== this.machine || this.sandboxId !== this.state.id) await this.#use(machine);
    await this.open(absolute(path), { content });
  }

  /** Open a file by its absolute path, or bring it into view. */
  async open(path, { content = null } = {}) {
    if (this.opened.bring(path)) return;
    try {
      const { text, etag } = await this.files.load(path);
      this.opened.add(path, text, etag);
      this.say("");
    } catch (error) {
      if (error.code !== "not_found" || content === null) {
        this.say(error, error.code === "too_large" || error.code === "binary" ? path : null);
        return;
      }
      this.opened.add(path, content, null);
      this.say(gettext("Not on the machine yet. Save writes it there."));
    }
    await this.tree.reveal(path);
    this.code.focus();
  }

  async save() {
    const file = this.opened.current;
    if (!file) return;
    const text = textOf(this.code.state);
    try {
      await this.#write(file, text, {});
    } catch (error) {
      if (error.code === "file_changed" || error.code === "file_exists") await this.#conflict(file, text);
      else this.say(error);
    }
  }

  async #write(file, text, options) {
    this.say(gettext("Saving…"));
    const etag = await this.files.save(file.path, text, { etag: file.etag, ...options });
    this.opened.saved(file, text, etag);
    this.say(gettext("Saved."));
    document.dispatchEvent(new CustomEvent("slipway:command", { detail: { machine: this.machine, exit: 0, seconds: 0 } }));
    await this.tree.refresh();
  }

  async #conflict(file, text) {
    const name = nameOf(file.path);
    this.say(gettext("%(name)s changed on %(machine)s since you opened it. Yours is not saved.", { name, machine: this.machine }));
    const yes = await ask({
      title: gettext("%(name)s changed on the machine", { name }),
      text: gettext("Somebody or a program wrote it since you opened it. Writing yours over it loses that change; “Load again” loses yours."),
      yes: gettext("Write mine over it"),
      no: gettext("Leave both for now"),
    });
    if (!yes) return;
    try {
      await this.#write(file, text, { replace: true });
    } catch (error) {
      this.say(error);
    }
  }

  async reload() {
    const file = this.opened.current;
    if (!file) return;
    const lose = !file.dirty || (await ask({ title: gettext("Load %(name)s again?", { name: nameOf(file.path) }), text: gettext("What you changed here since the last save is lost."), yes: gettext("Load again"), no: gettext("Keep mine") }));
    if (lose) await this.#load(file);
  }

  async #load(file) {
    try {
      const { text, etag } = await this.files.load(file.path);
      this.opened.replace(file, text, etag);
      this.say(gettext("Loaded from the machine."));
    } catch (error) {
      this.say(error);
    }
  }

  async create(what) {
    const path = await this.#askName(what === "folder" ? gettext("New folder") : gettext("New file"), gettext("Make it"), `${this.tree.folder}/`);
    if (!path) return;
    if (what === "folder") {
      await this.#do(() => this.files.makeFolder(path), path);
    } else if (await this.#do(() => this.files.save(path, ""), path)) {
      await this.open(path);
    }
  }

  async rename(path = this.tree.at) {
    if (path === HOME) return;
    const to = await this.#askName(gettext("Rename %(name)s", { name: nameOf(path) }), gettext("Rename"), path);
    if (!to || to === path) return;
    if (await this.#do(() => this.files.rename(path, to), to)) this.opened.moved(path, to);
  }

  async remove(path = this.tree.at) {
    if (path === HOME) return;
    const folder = this.tree.isFolder(path);
    const yes = await ask({
      title: gettext("Delete %(name)s?", { name: nameOf(path) }),
      text: folder ? gettext("The folder goes with all that is in it. It can't be brought back.") : gettext("It can't be brought back."),
      yes: gettext("Delete"), no: gettext("Keep it"),
    });
    if (yes && (await this.#do(() => this.files.remove(path), folderOf(path)))) this.opened.gone(path);
  }

  async upload(list) {
    for (const file of list) {
      const path = inside(this.tree.folder, file.name);
      this.say(gettext("Sending %(name)s…", { name: file.name }));
      try {
        await this.files.save(path, file);
      } catch (error) {
        const replace = error.code === "file_exists" && (await ask({ title: gettext("Replace %(name)s?", { name: file.name }), text: gettext("There is a file of that name already."), yes: gettext("Replace it"), no: gettext("Leave it") }));
        if (!replace) {
          this.say(error);
          continue;
        }
        if (!(await this.#do(() => this.files.save(path, file, { replace: true }), path))) continue;
      }
      this.say(gettext("%(name)s is on %(machine)s.", { name: file.name, machine: this.machine }));
      await this.tree.reveal(path);
    }
  }

  async #do(work, path) {
    try {
      await work();
      this.say("");
      await this.tree.reveal(path);
      return true;
    } catch (error) {
      this.say(error);
      return false;
    }
  }

  async #askName(title, does, value) {
    const field = h("input", { type: "text", "aria-label": gettext("Path"), value: value.replace(HOME, "~"), spellcheck: "false" });
    const yes = await ask({ title, text: gettext("A path from ~ (your home) or from /."), extra: field, yes: does, no: gettext("Leave it") });
    const path = absolute(field.value.trim()).replace(/\/+$/, "");
    if (!yes || !path) return null;
    return path.startsWith("/") ? path : inside(this.tree.folder, path);
  }

  async #use(machine) {
    Object.assign(this, { machine, sandboxId: this.state.id });
    this.opened.clear();
    this.tree.clear();
    const names = this.machines();
    this.machineField.replaceChildren(...names.map((name) => h("option", {}, name)));
    this.machineField.value = machine;
    this.machineField.parentElement.hidden = names.length < 2;
    await this.tree.refresh();
  }

  /** Read the tree again; files that changed on the machine are loaded, or said to have. */
  async #look() {
    if (this.panel.hidden || !this.state.usable || !this.machine) return;
    await this.tree.refresh();
    for (const file of this.opened.all) {
      const etag = this.tree.etagOf(file.path);
      if (!this.tree.lists(file.path) || file.etag === null || etag === file.etag) continue;
      const name = nameOf(file.path);
      if (etag === undefined) this.say(gettext("%(name)s is gone from %(machine)s. Save writes it again.", { name, machine: this.machine }));
      else if (file.dirty) this.say(gettext("%(name)s changed on %(machine)s too. Save asks before it writes over that.", { name, machine: this.machine }));
      else await this.#load(file);
    }
  }

  async #mayClose(file) {
    return !file.dirty || ask({ title: gettext("Close %(name)s without saving?", { name: nameOf(file.path) }), text: gettext("What you changed here since the last save is lost."), yes: gettext("Close it"), no: gettext("Keep it open") });
  }

  #leave() {
    return ask({ title: gettext("Leave this machine's files?"), text: gettext("Files with unsaved changes are open; the changes would be lost."), yes: gettext("Leave them"), no: gettext("Stay") });
  }

  async #chose(machine) {
    if (this.opened.dirty && !(await this.#leave())) this.machineField.value = this.machine;
    else await this.#use(machine);
  }

  /** Say what happened; an error with its hint, and a file that is not shown can be downloaded. */
  say(what, downloadPath = null) {
    const text = what instanceof Error ? [what.message, what.hint].filter(Boolean).join(" ") : what;
    this.statusElement.classList.toggle("is-bad", what instanceof Error);
    this.statusElement.replaceChildren(text, downloadPath ? this.#link(downloadPath, gettext("Download %(name)s", { name: nameOf(downloadPath) })) : "");
  }

  #link(path, words) {
    return h("a", { href: this.files.download(path), download: nameOf(path) }, words);
  }

  #shown(file) {
    this.panel.classList.toggle("has-file", file !== null);
    for (const button of this.panel.querySelectorAll("[data-needs-file]")) button.disabled = file === null;
    this.pathElement.textContent = file ? file.path.replace(HOME, "~") : "";
  }

  #download() {
    const path = this.opened.current?.path ?? this.tree.at;
    if (this.tree.isFolder(path)) this.say(gettext("Choose a file to download; a folder is packed first: tar czf folder.tgz folder."));
    else this.#link(path, "").click();
  }

  #button(name, words, onclick, more = {}) {
    return h("button", { class: "btn btn-small btn-dark", type: "button", onclick, title: words, ...more }, icon(name), words);
  }

  #build() {
    const upload = h("input", { type: "file", multiple: true, hidden: true, onchange: () => (this.upload([...upload.files]), (upload.value = "")) });
    this.machineField = h("select", { "aria-label": gettext("Machine"), onchange: () => this.#chose(this.machineField.value) });
    this.treeElement = h("ul", { class: "tree", role: "tree", "aria-label": gettext("Files") });
    this.tabsElement = h("div", { class: "file-tabs", role: "tablist", "aria-label": gettext("Open files") });
    this.codeElement = h("div", { class: "code" });
    this.pathElement = h("span", { class: "data" });
    this.statusElement = h("span", { class: "said", role: "status" });
    const needs = { "data-needs-file": "" };
    this.panel.replaceChildren(
      h("div", { class: "files-side" },
        h("label", { class: "files-machine" }, this.machineField),
        h("div", { class: "files-acts" },
          this.#button("write", gettext("New file"), () => this.create("file")), this.#button("more", gettext("New folder"), () => this.create("folder")),
          this.#button("up", gettext("Upload"), () => upload.click()), this.#button("down", gettext("Download"), () => this.#download()), upload),
        this.treeElement,
        h("p", { class: "files-keys" }, gettext("Enter opens, F2 renames, Delete removes."))),
      h("div", { class: "files-main" },
        this.tabsElement, this.codeElement,
        h("p", { class: "files-empty" }, gettext("Choose a file, or make a new one.")),
        h("div", { class: "files-foot" },
          this.#button("pass", gettext("Save"), () => this.save(), { ...needs, title: gettext("Save (Ctrl+S)") }),
          this.#button("redo", gettext("Load again"), () => this.reload(), needs),
          this.pathElement, this.statusElement,
          h("span", { class: "files-out" }, gettext("Esc, then Tab leaves the text")))),
    );
  }
}
