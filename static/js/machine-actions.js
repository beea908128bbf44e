// Start, Stop, Extend, Reset: each is one call of the API; the state's events do the rest.
import { call, segment } from "./api.js";
import { ask } from "./dialog.js";
import { EngineWatch } from "./engine-watch.js";
import { gettext, listed } from "./words.js";

const SWITCH_TRIES = 60;
const SWITCH_PAUSE_MS = 500;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * `page` is the lesson's data, `changed()` redraws. Keeps what the snapshot can't tell:
 * a Start that has no answer yet, why it was refused, and the other lesson's machines.
 */
export class MachineActions {
  constructor(page, state, { changed, problem }) {
    Object.assign(this, { page, state, changed, problem });
    this.pendingSince = null;
    this.switching = false;
    this.trouble = null;
    this.other = page.other_sandbox;
    this.engine = page.engine;
    this.watch = new EngineWatch(() => this.#engineBack());
    if (!this.engine.available) this.watch.watch();
  }

  async start() {
    if (this.pendingSince) return;
    this.#begin();
    try {
      await this.#request();
    } catch (error) {
      await this.#refused(error);
    }
    this.#end();
  }

  /** Stop the other lesson's machines, then start here. */
  async switch() {
    if (this.pendingSince) return;
    const { id } = this.other;
    this.#begin();
    this.switching = true;
    this.changed();
    try {
      await call("DELETE", `/sandboxes/${segment(id)}`);
      await this.#requestWhenFree();
      this.other = null;
    } catch (error) {
      await this.#refused(error);
    }
    this.switching = false;
    this.#end();
  }

  async stop() {
    const names = this.#names();
    const sure = await ask({
      title: gettext("Stop %(names)s?", { names }),
      text: gettext("What is on the machines is thrown away. Passed tasks, answers and guesses are kept."),
      yes: gettext("Stop %(names)s", { names }),
      no: gettext("Keep them"),
    });
    if (sure) await this.#try("DELETE", "");
  }

  async reset() {
    const names = this.#names();
    const sure = await ask({
      title: gettext("Reset %(names)s?", { names }),
      text: gettext("You get new machines as they were at Start. What you changed on these is thrown away."),
      yes: gettext("Reset %(names)s", { names }),
      no: gettext("Keep them"),
    });
    if (sure) await this.#try("POST", "/reset");
  }

  async extend() {
    await this.#try("POST", "/extend");
  }

  #names() {
    return listed(this.page.machines.map(({ name }) => name));
  }

  #begin() {
    this.pendingSince = performance.now();
    this.trouble = null;
    this.changed();
  }

  #end() {
    this.pendingSince = null;
    this.changed();
  }

  async #request() {
    const { course, lesson } = this.page;
    const { body } = await call("POST", "/sandboxes", { course, lesson }, { repeatable: true });
    this.state.update(body);
  }

  async #requestWhenFree() {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#request();
        return;
      } catch (error) {
        if (error.code !== "sandbox_live" || tries === SWITCH_TRIES) throw error;
      }
      await pause(SWITCH_PAUSE_MS);
    }
  }

  async #refused(error) {
    if (error.code === "sandbox_live") this.other = this.#describe(error.more);
    else if (["no_engine", "disk_full"].includes(error.code)) this.#engineAway(error);
    else this.trouble = error;
  }

  #engineAway({ message, hint }) {
    this.engine = { available: false, message, hint };
    this.watch.watch();
  }

  #engineBack() {
    this.engine = { available: true, message: "", hint: "" };
    this.changed();
  }

  #describe({ sandbox_id: id, course, lesson }) {
    if (this.other?.id === id) return this.other;
    return { id, url: `/courses/${segment(course)}/${segment(lesson)}/`, title: lesson };
  }

  async #try(method, tail) {
    try {
      const { body } = await call(method, `/sandboxes/${segment(this.state.id)}${tail}`);
      if (body?.state) this.state.update(body);
    } catch (error) {
      this.problem(error);
    }
  }
}
