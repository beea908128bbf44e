// Quizzes: the site grades, the page shows which choices are right and why.
import { call, segment } from "./api.js";
import { announce } from "./announce.js";
import { h, icon, setSiteHtml } from "./markup.js";
import { gettext } from "./words.js";

function verdict(choice, multiple) {
  const missed = multiple ? gettext("Also right.") : gettext("The right answer.");
  const [name, look, word] = choice.right
    ? ["pass", "passed", choice.chosen ? gettext("Right.") : missed]
    : ["fail", "failing", gettext("Your answer.")];
  return h("span", { class: `state state-${look}` }, icon(name), word);
}

class QuizForm {
  constructor(form, page) {
    Object.assign(this, { form, page, name: form.dataset.quiz });
    this.part = (selector) => form.querySelector(selector);
    this.part("[data-acts]").hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#answer();
    });
    this.part("[data-quiz-again]").addEventListener("click", () => this.#again());
  }

  async #answer() {
    const answers = [...this.form.querySelectorAll("input:checked")].map(({ value }) => Number(value));
    if (answers.length === 0) {
      this.#say(gettext("Choose an answer first."));
      return;
    }
    const { course, lesson } = this.page;
    try {
      const { body } = await call("POST", `/courses/${segment(course)}/lessons/${segment(lesson)}/quizzes/${segment(this.name)}`, { answers });
      this.#show(body);
    } catch (error) {
      this.#say(`${error.message} ${error.hint}`);
    }
  }

  #show({ correct, choices }) {
    const labels = [...this.form.querySelectorAll(".pick")];
    choices.forEach((choice, at) => this.#mark(labels[at], choice));
    this.#turn(true);
    this.#say("");
    announce(correct ? gettext("Right.") : gettext("Not yet: the explanations stand under the choices."));
    this.part("[data-quiz-again]").focus();
  }

  #mark(label, choice) {
    const look = choice.chosen ? (choice.right ? "is-right" : "is-wrong") : choice.right ? "is-missed" : null;
    if (look) label.classList.add(look);
    label.querySelector("input").disabled = true;
    if (!choice.chosen && !choice.right) return;
    const why = h("span", {});
    setSiteHtml(why, choice.explanation_html ?? "");
    label.append(h("span", { class: "why" }, verdict(choice, this.form.dataset.multiple === "true"), " ", why));
  }

  #again() {
    for (const label of this.form.querySelectorAll(".pick")) {
      label.classList.remove("is-right", "is-wrong", "is-missed");
      label.querySelector(".why")?.remove();
      Object.assign(label.querySelector("input"), { disabled: false, checked: false });
    }
    this.#turn(false);
    this.part("input").focus();
  }

  #turn(answered) {
    this.part("[data-quiz-answer]").hidden = answered;
    this.part("[data-quiz-again]").hidden = !answered;
  }

  #say(text) {
    this.part("[data-say]").textContent = text;
  }
}

/** Wire all quizzes of the page. */
export function startQuizzes(page) {
  for (const form of document.querySelectorAll("form[data-quiz]")) new QuizForm(form, page);
}
