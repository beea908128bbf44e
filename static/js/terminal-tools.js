// The terminal's settings: find, text size, screen reader mode.
import { recall } from "./kept.js";

const STEP_PX = 1;

/** Wire the settings list of the machine pane to all terminals. */
export function startTools(pane, terminals) {
  const tools = pane.querySelector(".tools");
  const reader = tools.querySelector('[data-tool="reader"]');
  reader.setAttribute("aria-pressed", String(recall("terminal-reader") === "true"));

  const resize = (step) => {
    const now = terminals.current?.term.options.fontSize;
    if (now) for (const view of terminals.all) view.setFontSize(now + step);
  };
  const close = () => {
    if (!tools.open) return;
    const held = tools.contains(document.activeElement);
    tools.open = false;
    if (held) tools.querySelector("summary").focus();
  };
  const does = {
    find: () => (close(), terminals.current?.search.show()),
    smaller: () => resize(-STEP_PX),
    larger: () => resize(STEP_PX),
    reader: () => {
      const on = reader.getAttribute("aria-pressed") !== "true";
      reader.setAttribute("aria-pressed", String(on));
      for (const view of terminals.all) view.setScreenReaderMode(on);
    },
  };
  tools.addEventListener("click", (event) => does[event.target.closest("[data-tool]")?.dataset.tool]?.());
  tools.addEventListener("keydown", (event) => event.key === "Escape" && close());
  document.addEventListener("pointerdown", (event) => tools.contains(event.target) || close());
}
