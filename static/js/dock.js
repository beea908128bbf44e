// On a phone one pane is seen at a time; the other stays laid out, so a terminal keeps its size.

/** Wire the dock; returns `{show(pane), narrow()}`. */
export function startDock(lesson) {
  const dock = document.querySelector(".dock");
  const narrow = matchMedia("(max-width: 47rem)");
  if (!dock) return { show: () => {}, narrow: () => false, name: () => {} };
  dock.hidden = false;
  const show = (pane) => {
    lesson.dataset.pane = pane;
    for (const button of dock.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.pane === pane));
    }
  };
  dock.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show(button.dataset.pane);
  });
  return {
    show: (pane) => narrow.matches && show(pane),
    narrow: () => narrow.matches,
    name: (words) => (dock.querySelector("[data-dock-machine]").textContent = words),
  };
}
