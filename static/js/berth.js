// What stands in the machine pane while no machine can be used: before Start, each stage of
// starting with its seconds, the reason why it can't start, and how it ended.
import { announce } from "./announce.js";
import { h, icon } from "./markup.js";
import { minutes, seconds } from "./times.js";
import { gettext, listed, said } from "./words.js";

const TICK_MS = 100;

/**
 * Draws `model()` into `element`. The model: `{state, snapshot, machines, engine, other,
 * trouble, pendingSince, switching}`; only a change of what is shown rebuilds the content.
 */
export class Berth {
  #shown = "";
  #since = 0;

  constructor(element, model) {
    this.element = element;
    this.body = element.querySelector("[data-berth-body]");
    this.model = model;
    // What stands here before Start is written once, in the page as the site makes it.
    this.written = element.querySelector("[data-before]").cloneNode(true);
    setInterval(() => this.#tick(), TICK_MS);
  }

  render() {
    const model = this.model();
    const key = JSON.stringify([model.state, model.snapshot?.queue_position, model.snapshot?.stages,
      model.snapshot?.error, model.engine, model.other, model.trouble?.message, model.switching, !!model.pendingSince]);
    if (key === this.#shown) return;
    this.#shown = key;
    const held = this.element.contains(document.activeElement);
    const parts = this.#parts(model).filter(Boolean);
    this.body.replaceChildren(...parts);
    if (held) this.focus();
    if (!this.element.hidden) announce(this.body.querySelector("h2").textContent);
  }

  /** Put the focus on the first thing that can be done here. */
  focus() {
    (this.body.querySelector("button:not([disabled]), a") ?? this.element).focus();
  }

  #parts(model) {
    if (model.state === "stopping") return [heading(gettext("Stopping")), text(gettext("The machines are being thrown away."))];
    if (isStarting(model)) return this.#starting(model);
    if (model.other) return other(model);
    if (!model.engine.available) return noEngine(model);
    if (model.trouble) return trouble(gettext("Start did not work"), model.trouble, gettext("Start again"));
    if (model.state === "failed") return trouble(gettext("The machines did not start"), model.snapshot.error, gettext("Start again"));
    if (model.state === "gone") return gone(model);
    return this.#before();
  }

  #starting(model) {
    const { snapshot } = model;
    const stages = snapshot?.stages ?? [];
    const reached = stages.at(-1)?.seconds ?? 0;
    // The page counts on from the stage it heard of last; its own click counts from zero.
    this.#since = model.pendingSince ?? performance.now() - reached * 1000;
    const queued = snapshot?.state === "queued";
    const now = model.switching ? gettext("stopping the other machines") : queued ? gettext("waiting for room") : gettext("since Start");
    // The next in line for a worker is as good as begun.
    const waits = queued || snapshot?.queue_position > 1;
    const title = waits && snapshot.queue_position ? gettext("Place %(queue_position)s in the queue", { queue_position: snapshot.queue_position }) : gettext("Starting");
    return [
      heading(title),
      snapshot?.wait_seconds > 5 ? text(gettext("At most %(wait_seconds)s, unless others add time.", { wait_seconds: minutes(snapshot.wait_seconds) })) : null,
      queued ? text(gettext("All room for machines is taken. Yours start by themselves as soon as others end; you can go on reading.")) : null,
      h("ol", { class: "log", "aria-label": gettext("Stages") },
        stages.map((stage) => row(stage.name, `${seconds(stage.seconds)} s`)),
        h("li", { class: "is-now" }, now, h("span", { class: "num", "data-elapsed": "" }, "0.0 s"))),
    ];
  }

  #before() {
    const content = this.written.cloneNode(true);
    content.hidden = false;
    content.querySelector('[data-action="start"]').disabled = false;
    return [...content.childNodes];
  }

  #tick() {
    const elapsed = this.body.querySelector("[data-elapsed]");
    if (elapsed) elapsed.textContent = `${((performance.now() - this.#since) / 1000).toFixed(1)} s`;
  }
}

/** Whether a Start is under way. */
export function isStarting({ state, pendingSince }) {
  return Boolean(pendingSince) || ["requested", "queued", "starting"].includes(state);
}

const heading = (words) => h("h2", {}, words);
const text = (words) => h("p", {}, words);
const row = (name, value) => h("li", {}, name, h("span", { class: "num" }, value));

function startButton(label, disabled = false) {
  return h("button", { class: "btn btn-go btn-big", type: "button", "data-action": "start", disabled }, label);
}

function gone({ machines, snapshot }) {
  return [
    heading(machines.length > 1 ? gettext("The machines have ended") : gettext("The machine has ended")),
    snapshot?.error ? message(snapshot.error) : text(gettext("What was on them is gone. Passed tasks, answers and guesses are kept.")),
    h("div", { class: "acts" }, startButton(gettext("Start again"))),
  ];
}

function message(error) {
  return h("div", { class: "trouble" }, h("p", {}, icon("fail"), said(error?.message) ?? gettext("The reason is not known.")), error?.hint ? text(said(error.hint)) : null);
}

function trouble(title, error, label) {
  return [heading(title), message(error), h("div", { class: "acts" }, startButton(label))];
}

function noEngine({ engine, machines }) {
  return [
    heading(gettext("No machine can start here now")),
    message(engine),
    text(gettext("The text, the quizzes and your guesses work all the same.")),
    h("div", { class: "acts" }, startButton(gettext("Start %(machines)s", { machines: listed(machines.map(({ name }) => name)) }), true)),
  ];
}

function other({ other: elsewhere }) {
  return [
    heading(gettext("Your machines are in another lesson")),
    text(gettext("They are running for “%(title)s”. One lesson has machines at a time.", { title: elsewhere.title })),
    h("div", { class: "acts" },
      h("a", { class: "btn btn-go btn-big", href: elsewhere.url }, gettext("Go to %(title)s", { title: elsewhere.title })),
      h("button", { class: "btn btn-dark btn-big", type: "button", "data-action": "switch" }, gettext("Stop them and start here"))),
  ];
}
