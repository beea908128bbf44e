// A separator between two panes: dragged, or moved with the keys (the window splitter pattern
// of the ARIA Authoring Practices).
import { keep, recall } from "./kept.js";
import { gettext } from "./words.js";

const STEP = 2;

/**
 * Make `bar` move. Where it stands, in percent of `frame`'s width, becomes the custom property
 * `property` of `holder`, is kept under `name`, and is `usual` until then. `bar` has
 * `aria-valuemin` and `aria-valuemax`.
 */
export function startSeparator(bar, { frame, holder = frame, property, name, usual }) {
  const [least, most] = [Number(bar.getAttribute("aria-valuemin")), Number(bar.getAttribute("aria-valuemax"))];
  let share = usual;

  const set = (value) => {
    share = Math.min(most, Math.max(least, value));
    holder.style.setProperty(property, share.toFixed(1));
    bar.setAttribute("aria-valuenow", String(Math.round(share)));
    bar.setAttribute("aria-valuetext", gettext("%(share)s % of the width", { share: Math.round(share) }));
  };
  const keepShare = () => keep(name, share.toFixed(1));

  const kept = Number.parseFloat(recall(name, ""));
  if (Number.isFinite(kept)) set(kept);
  else bar.setAttribute("aria-valuenow", String(Math.round(usual)));

  bar.addEventListener("pointerdown", (event) => {
    bar.setPointerCapture(event.pointerId);
    bar.classList.add("is-held");
    document.body.classList.add("is-splitting");
  });
  bar.addEventListener("pointermove", (event) => {
    if (!bar.classList.contains("is-held")) return;
    const box = frame.getBoundingClientRect();
    set(((event.clientX - box.left) / box.width) * 100);
  });
  const release = () => {
    if (!bar.classList.contains("is-held")) return;
    bar.classList.remove("is-held");
    document.body.classList.remove("is-splitting");
    keepShare();
  };
  bar.addEventListener("pointerup", release);
  bar.addEventListener("pointercancel", release);
  bar.addEventListener("dblclick", () => (set(usual), keepShare()));
  bar.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: share - STEP, ArrowRight: share + STEP, Home: least, End: most, Enter: usual }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    set(to);
    keepShare();
  });
}
