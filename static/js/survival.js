// The survival panel: two blows, and who still answers after each.
import { saveButtons } from "./chart-files.js";
import { shortBoot } from "./figures.js";
import { h, icon } from "./markup.js";
import { RunPanel, recordedNote, recordedOf } from "./run-panel.js";
import { gettext } from "./words.js";

const NAMES = [
  ["guest-victim", gettext("the VM that is hit")],
  ["guest-neighbour", gettext("the VM next to it")],
  ["container-victim", gettext("the container that is hit")],
  ["container-neighbour", gettext("the container next to it")],
  ["host", gettext("the host's kernel")],
];
const ROUNDS = [
  ["before", gettext("Before"), gettext("Before the first blow: asked everybody.")],
  ["panic", gettext("After the VM's kernel panicked"), gettext("After the VM's kernel panicked: asked everybody.")],
  ["kill", gettext("After the container's process 1 was killed"), gettext("After the container's process 1 was killed: asked everybody.")],
];

function verdict(boot) {
  if (boot === undefined) return h("td", {}, "–");
  if (boot === null) return h("td", { class: "is-dead" }, icon("fail"), h("b", {}, gettext("dead")));
  return h("td", {}, icon("pass"), " ", boot === "there" ? gettext("is there") : gettext("answers"), h("span", { class: "data" }, boot === "there" ? "" : shortBoot(boot)));
}

function table(rounds) {
  const by = Object.fromEntries(rounds.map(({ after, alive }) => [after, alive]));
  const head = h("thead", {}, h("tr", {}, [gettext("Who"), ...ROUNDS.map(([, word]) => word)].map((word) => h("th", { scope: "col" }, word))));
  const body = NAMES.map(([name, word]) => h("tr", { class: name === "host" ? "below" : null }, h("th", { scope: "row" }, word),
    ROUNDS.map(([round]) => verdict(by[round]?.[name]))));
  const sheet = h("table", { class: "sheet survival" }, h("caption", {}, gettext("Who answers, with the boot id it reads")), head, h("tbody", {}, body));
  return h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": gettext("Who answers after each blow") }, sheet);
}

class Survival {
  #rounds = [];

  constructor(panel, runs, machines) {
    Object.assign(this, { panel, recorded: recordedOf(panel) });
    this.run = new RunPanel(panel, "survive", runs, machines, {
      started: () => this.#show((this.#rounds = [])),
      heard: (part, end) => (part ? this.#hear(part) : this.#end(end)),
      again: gettext("Crash them again"),
    });
    runs.history("survive").then(({ mine }) => this.#first(mine, machines.page.engine.available), () => this.#first([], true));
  }

  #first(mine, available) {
    let last = mine.at(-1);
    if (!last && !available && this.recorded) {
      last = this.recorded.runs.at(-1);
      this.panel.querySelector("[data-run-note]").replaceChildren(recordedNote(this.recorded));
    }
    if (last) this.#done(last);
  }

  #hear(round) {
    this.#rounds = [...this.#rounds, round];
    const [, , asked] = ROUNDS.find(([name]) => name === round.after) ?? [];
    if (asked) this.run.say(asked);
    this.#show(this.#rounds);
  }

  #end(run) {
    if (run.state !== "done") return;
    this.run.say(gettext("Two blows, two dead: each took what stood on it, and nothing beside it."), true);
    this.#done(run);
  }

  #done({ outcome }) {
    this.#show(outcome.rounds, outcome);
  }

  #show(rounds, outcome = null) {
    const place = this.panel.querySelector("[data-table]");
    if (!rounds.length) return place.replaceChildren();
    const rows = () => [["who", ...ROUNDS.map(([round]) => round)], ...NAMES.map(([name]) =>
      [name, ...ROUNDS.map(([round]) => rounds.find(({ after }) => after === round)?.alive[name] ?? "dead")])];
    const files = saveButtons(this.panel, "who-survives", rows);
    files.firstChild.remove(); // there is no drawing: the table is the picture
    place.replaceChildren(table(rounds), ...(outcome ? [this.#last(outcome), files] : []));
  }

  #last({ kill_exit }) {
    return h("p", { class: "quiet" }, kill_exit === null ? "" : gettext("The container ended with exit %(kill_exit)s: 128 and the number of the signal, 9.", { kill_exit }));
  }
}

/** Wire a survival panel. */
export function startSurvival(panel, runs, machines) {
  return new Survival(panel, runs, machines);
}
