// The separator between text and machines: dragged, or moved with the arrow keys.
import { keep, recall } from "./kept.js";
import { gettext } from "./words.js";

const STEP = 2;

/** Make `.split` work; the width is kept per layout. */
export function startSplit(lesson) {
  const split = lesson.querySelector(".split");
  if (!split) return;
  const name = `split.${lesson.dataset.layout}`;
  const usual = Number.parseFloat(getComputedStyle(lesson).getPropertyValue("--text-share")) || 42;
  const [least, most] = [Number(split.getAttribute("aria-valuemin")), Number(split.getAttribute("aria-valuemax"))];
  let share = usual;

  const set = (value) => {
    share = Math.min(most, Math.max(least, value));
    lesson.style.setProperty("--text-share", share.toFixed(1));
    split.setAttribute("aria-valuenow", String(Math.round(share)));
    split.setAttribute("aria-valuetext", gettext("%(share)s % of the window", { share: Math.round(share) }));
  };
  const keepShare = () => keep(name, share.toFixed(1));

  const kept = Number.parseFloat(recall(name, ""));
  if (Number.isFinite(kept)) set(kept);
  else split.setAttribute("aria-valuenow", String(Math.round(usual)));

  split.addEventListener("pointerdown", (event) => {
    split.setPointerCapture(event.pointerId);
    split.classList.add("is-held");
    document.body.classList.add("is-splitting");
  });
  split.addEventListener("pointermove", (event) => {
    if (!split.classList.contains("is-held")) return;
    const frame = lesson.getBoundingClientRect();
    set(((event.clientX - frame.left) / frame.width) * 100);
  });
  const release = () => {
    if (!split.classList.contains("is-held")) return;
    split.classList.remove("is-held");
    document.body.classList.remove("is-splitting");
    keepShare();
  };
  split.addEventListener("pointerup", release);
  split.addEventListener("pointercancel", release);
  split.addEventListener("dblclick", () => (set(usual), keepShare()));
  split.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: share - STEP, ArrowRight: share + STEP, Home: least, End: most, Enter: usual }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    set(to);
    keepShare();
  });
}
