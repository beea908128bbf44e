// Guesses: kept before the step that shows what happens, then shown beside it.
import { call, segment } from "./api.js";
import { announce } from "./announce.js";
import { gettext } from "./words.js";

class GuessForm {
  constructor(form, page) {
    Object.assign(this, { form, page, name: form.dataset.prediction });
    this.part = (selector) => form.querySelector(selector);
    if ("kept" in form.dataset) return;
    this.part("[data-acts]").hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#keep();
    });
  }

  async #keep() {
    const value = this.#value();
    if (value === null) return;
    const { course, lesson } = this.page;
    try {
      await call("POST", `/courses/${segment(course)}/lessons/${segment(lesson)}/predictions/${segment(this.name)}`, { value });
      await refresh(this.name);
      announce(gettext("Your guess is kept."));
    } catch (error) {
      this.#say(`${error.message} ${error.hint}`);
    }
  }

  #value() {
    const number = this.part('input[type="text"]');
    if (!number) {
      const chosen = this.part("input:checked");
      if (!chosen) this.#say(gettext("Choose what you expect first."));
      return chosen?.value ?? null;
    }
    const value = number.value.trim().replace(",", ".");
    if (value !== "" && Number.isFinite(Number(value))) return value;
    const { unit } = this.form.dataset;
    this.#say(unit ? gettext("Write a number in %(unit)s, for example 2.5.", { unit }) : gettext("Write a number, for example 2.5."));
    number.focus();
    return null;
  }

  #say(text) {
    this.part("[data-say]").textContent = text;
  }
}

/**
 * Take the guess's card and the place that reveals it from the page as the site makes it now:
 * the words for a kept guess are written once, in the templates.
 */
async function refresh(name) {
  const response = await fetch(location.pathname, { credentials: "same-origin" });
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const attribute of ["data-prediction", "data-reveal"]) {
    const selector = `[${attribute}="${CSS.escape(name)}"]`;
    const [old, now] = [document.querySelector(selector), fresh.querySelector(selector)];
    if (!old || !now) continue;
    old.replaceWith(document.adoptNode(now));
  }
  const card = document.querySelector(`[data-prediction="${CSS.escape(name)}"]`);
  card.tabIndex = -1;
  card.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("slipway:guess", { detail: { name } }));
}

/** Wire all guesses of the page. */
export function startPredictions(page) {
  for (const form of document.querySelectorAll("form[data-prediction]")) new GuessForm(form, page);
}
