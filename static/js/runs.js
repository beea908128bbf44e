// Runs on the learner's machines: asked for by the API, heard of by events.
import { call, segment } from "./api.js";

/** `state` is the sandbox's; `page` names course and lesson. */
export class Runs {
  constructor(page, state) {
    Object.assign(this, { page, state });
  }

  /** Ask for a run; throws ApiError. */
  async start(what) {
    const { body } = await call("POST", `/sandboxes/${segment(this.state.id)}/runs`, { what });
    return body;
  }

  /** `{mine: [runs], medians}` of this lesson. */
  async history(what) {
    // Nobody has measured anything before the first Start makes them somebody.
    if (!this.page.user.name && !this.state.id) return { mine: [], medians: null };
    const query = new URLSearchParams({ course: this.page.course, lesson: this.page.lesson, what });
    const { body } = await call("GET", `/runs?${query}`);
    return body;
  }

  /** Call `listener(event)` for everything that is heard of runs of one sort. */
  on(what, listener) {
    document.addEventListener("slipway:measure", ({ detail }) => {
      if (detail.what === what) listener(detail);
    });
  }
}

/** The learner's kept guess for a prediction, as a number; null when there is none. */
export function guessOf(prediction) {
  const kept = document.querySelector(`form[data-prediction="${CSS.escape(prediction)}"][data-kept] b.num`);
  const value = Number(kept?.textContent.replace(",", "."));
  return kept && Number.isFinite(value) ? value : null;
}

/** Call `listener` whenever the cards of guesses change. */
export function onGuess(listener) {
  document.addEventListener("slipway:guess", listener);
}
