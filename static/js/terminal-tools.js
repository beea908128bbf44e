// The terminal's settings panel: find, text size, and the switches of `terminal-settings.js`.
import { settings } from "./terminal-settings.js";
import { gettext } from "./words.js";

const STEP_PX = 1;

/**
 * Wire the settings panel of the machine pane; `terminals` says which one is in view. `files`
 * has `send(list)` and `get()` for its machine.
 */
export function startTools(pane, terminals, files) {
  const tools = pane.querySelector(".tools");
  const size = tools.querySelector("[data-size]");
  const show = () => {
    pane.dataset.contrast = settings.on("contrast") ? "high" : "usual";
    size.textContent = gettext("%(fontPx)s px", { fontPx: settings.fontPx });
    for (const button of tools.querySelectorAll("[data-switch]")) {
      button.setAttribute("aria-checked", String(settings.on(button.dataset.switch)));
    }
  };
  settings.addEventListener("change", show);
  show();

  const close = () => {
    if (!tools.open) return;
    const held = tools.contains(document.activeElement);
    tools.open = false;
    if (held) tools.querySelector("summary").focus();
  };
  const picker = tools.querySelector("[data-send-files]");
  picker.addEventListener("change", () => {
    files.send([...picker.files]);
    picker.value = "";
  });
  const does = {
    find: () => (close(), terminals.current?.search.show()),
    send: () => (close(), picker.click()),
    get: () => (close(), files.get()),
    smaller: () => (settings.fontPx -= STEP_PX),
    larger: () => (settings.fontPx += STEP_PX),
  };
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.switch) settings.toggle(button.dataset.switch);
    else does[button?.dataset.tool]?.();
  });
  tools.addEventListener("keydown", (event) => event.key === "Escape" && close());
  document.addEventListener("pointerdown", (event) => tools.contains(event.target) || close());
}
