// Start, Stop, Extend, Reset: each is one call of the API; the state's events do the rest.
import { call, segment } from "./api.js";
import { ask } from "./dialog.js";
import { gettext, listed } from "./words.js";

const SWITCH_TRIES = 60;
const SWITCH_PAUSE_MS = 500;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * `page` is the lesson's data, `changed()` redraws, `ask()` has the host's state told anew.
 * Keeps what the snapshot can't tell: a Start that has no answer yet, why it was refused,
 * whether one can work at all, and the other lesson's machines.
 */
export class MachineActions {
  constructor(page, state, { changed, problem, ask }) {
    Object.assign(this, { page, state, changed, problem, askAnew: ask });
    this.pendingSince = null;
    this.switching = false;
    this.trouble = null;
    this.other = page.other_sandbox;
    this.engine = page.engine;
    // What stands in this lesson's way on a host that is well.
    this.engineOtherwise = page.engine.of_host ? { available: true, message: "", hint: "", of_host: false } : page.engine;
    document.addEventListener("slipway:host", ({ detail }) => this.#hear(detail));
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
    else if (["no_engine", "disk_full"].includes(error.code)) {
      this.#engineAway(error);
      // It may be over already, and would then not be told as a change.
      this.askAnew();
    }
    else this.trouble = error;
  }

  #engineAway({ message, hint }) {
    this.engine = { available: false, message, hint, of_host: true };
  }

  /** How the host is, when the page connects and whenever it changes. */
  #hear({ available, message, hint }) {
    if (available) this.engine = this.engineOtherwise;
    else this.#engineAway({ message, hint });
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
