// The Files tab of the machine pane: loads the editor when somebody first looks at it.

// Not a plain import: those are fetched with the page, and most pages never open the editor.
const EDITOR = new URL("./editor.js", import.meta.url);

/** `machines()` answers the names of the machines whose files can be edited. */
export class FilesTab {
  #editor = null;

  constructor(tab, panel, state, machines) {
    Object.assign(this, { tab, panel, state, machines });
  }

  /** The panel is in view. */
  async show() {
    if (!this.state.usable) return;
    await (await this.#load()).show();
  }

  /** Open a file that a lesson shows; `content` is what it begins with where there is none. */
  async open(machine, path, content) {
    await (await this.#load()).openOn(machine, path, content);
  }

  #load() {
    this.#editor ??= import(EDITOR).then(({ Editor }) => new Editor(this.panel, this.state, this.machines));
    return this.#editor;
  }
}
