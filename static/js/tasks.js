// The task cards: checks by hand, hints one by one, a solution after a try.
import { call, segment } from "./api.js";
import { announce } from "./announce.js";
import { h, icon, setSiteHtml } from "./markup.js";
import { seconds } from "./times.js";
import { gettext } from "./words.js";

const TICK_MS = 100;
const LOOKS = {
  open: { icon: "open", word: gettext("Open"), card: null },
  failing: { icon: "fail", word: gettext("Not yet"), card: "is-failing" },
  passed: { icon: "pass", word: gettext("Passed"), card: "is-passed" },
};
// What led to a check, said with its seconds.
const HOW = {
  asked: (took) => gettext("checked in %(took)s s", { took }),
  command: (took) => gettext("checked after your last command, in %(took)s s", { took }),
};

/** One card. `page` is the lesson's data, `machines` the machine pane or null. */
export class TaskCard {
  #checking = false;

  constructor(element, page, machines) {
    Object.assign(this, { element, page, machines, name: element.dataset.task });
    this.part = (selector) => element.querySelector(selector);
    this.button = this.part('[data-action="check"]');
    element.addEventListener("click", (event) => {
      const action = event.target.closest("[data-action]")?.dataset.action;
      if (action === "check") this.check("asked");
      else if (action === "hint") this.#hint();
      else if (action === "solution") this.#solution();
    });
    this.#drawActions();
  }

  get state() {
    return this.element.dataset.state;
  }

  /**
   * Ask for a check; `how` (a key of HOW) is said with the seconds. A quiet check shows only a pass.
   * Resolves to the result, or null when there was none.
   */
  async check(how, { quiet = false } = {}) {
    if (this.#checking) return null;
    if (!this.machines?.usable) {
      if (!quiet) this.#say(gettext("No machine is running. Press Start, do the task, then check."));
      return null;
    }
    this.#checking = true;
    const stop = quiet ? () => {} : this.#count();
    try {
      const path = `/sandboxes/${segment(this.machines.state.id)}/tasks/${segment(this.name)}/check`;
      const { status, body } = await call("POST", path, undefined, { repeatable: true });
      if (status === 202) {
        if (!quiet) this.#say(gettext("Still checking; the result appears here by itself."));
        return null;
      }
      this.apply(body, how, { quiet });
      return body;
    } catch (error) {
      if (!quiet) this.#say(`${error.message} ${error.hint}`);
      return null;
    } finally {
      this.#checking = false;
      stop();
    }
  }

  /** Show a result, from wherever it came. */
  apply({ passed, feedback, seconds: took }, how, { quiet = false } = {}) {
    if (!passed && (quiet || this.state === "passed")) return;
    const news = this.state !== (passed ? "passed" : "failing") || this.part("[data-feedback]").textContent !== feedback;
    this.element.dataset.tried = "true";
    this.#look(passed ? "passed" : "failing");
    this.part(".task-say").hidden = false;
    this.part(".task-say .icon").replaceWith(icon(passed ? "pass" : "fail"));
    this.part("[data-feedback]").textContent = feedback;
    this.part("[data-how]").textContent = took === null || took === undefined ? "" : HOW[how](seconds(took));
    this.#say("");
    this.#drawActions();
    const title = this.part("h3").textContent;
    if (news) announce(`${title}: ${passed ? gettext("Passed") : gettext("Not yet")}. ${feedback}`);
    if (passed && news) document.dispatchEvent(new CustomEvent("slipway:passed", { detail: { task: this.name } }));
  }

  #look(state) {
    const look = LOOKS[state];
    this.element.dataset.state = state;
    this.element.classList.remove("is-failing", "is-passed");
    if (look.card) this.element.classList.add(look.card);
    this.part(".task-state").replaceChildren(h("span", { class: `state state-${state}` }, icon(look.icon), look.word));
  }

  /** Seconds on the button while a check runs; the button keeps the focus. */
  #count() {
    const since = performance.now();
    const write = () => (this.button.textContent = gettext("Checking %(since)s s", { since: ((performance.now() - since) / 1000).toFixed(1) }));
    write();
    this.button.setAttribute("aria-disabled", "true");
    const timer = setInterval(write, TICK_MS);
    return () => {
      clearInterval(timer);
      this.button.textContent = gettext("Check now");
      this.button.removeAttribute("aria-disabled");
    };
  }

  #drawActions() {
    const { hintsShown, hintsTotal, tried } = this.element.dataset;
    const [shown, total] = [Number(hintsShown), Number(hintsTotal)];
    const passed = this.state === "passed";
    const held = this.part("[data-acts]").contains(document.activeElement);
    const hint = this.part('[data-action="hint"]');
    if (hint) {
      hint.textContent = gettext("Show hint %(shown)s of %(total)s", { shown: shown + 1, total });
      hint.hidden = passed || shown >= total;
    }
    this.button.hidden = passed;
    const solution = this.part('[data-action="solution"]');
    solution.hidden = tried !== "true" || this.part("[data-solution]").childElementCount > 0;
    this.part("[data-acts]").hidden = passed && solution.hidden;
    if (held && !this.part("[data-acts]").contains(visible(document.activeElement))) this.part("h3").focus({ preventScroll: true });
  }

  async #hint() {
    const body = await this.#ask("/hints");
    if (!body) return;
    this.element.dataset.hintsShown = body.shown;
    this.#reveal("[data-hints]", gettext("Hint %(shown)s", { shown: body.shown }), body.html);
  }

  async #solution() {
    const body = await this.#ask("/solution");
    if (body) this.#reveal("[data-solution]", gettext("A solution"), body.html);
  }

  #reveal(selector, title, html) {
    const content = h("div", {});
    setSiteHtml(content, html);
    const summary = h("summary", {}, title);
    this.part(selector).append(h("details", { class: "hint", open: true }, summary, content));
    this.#drawActions();
    summary.focus();
  }

  async #ask(tail) {
    const { course, lesson } = this.page;
    try {
      const { body } = await call("POST", `/courses/${segment(course)}/lessons/${segment(lesson)}/tasks/${segment(this.name)}${tail}`);
      return body;
    } catch (error) {
      this.#say(`${error.message} ${error.hint}`);
      return null;
    }
  }

  #say(text) {
    this.part("[data-note]").textContent = text;
    if (text) announce(text);
  }
}

const visible = (element) => (element?.closest("[hidden]") ? null : element);

/** Make all cards and answer them in the order of the page. */
export function startTasks(page, machines) {
  const cards = [...document.querySelectorAll("[data-task].task")].map((element) => new TaskCard(element, page, machines));
  document.addEventListener("slipway:task", ({ detail }) => {
    cards.find((card) => card.name === detail.task)?.apply(detail, "asked");
  });
  return cards;
}
