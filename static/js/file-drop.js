// Files dropped onto a terminal.
import { gettext } from "./words.js";

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

/** Call `dropped(panel, files)` for files that are let go over a terminal in `deck`. */
export function startFileDrop(deck, dropped) {
  const panelOf = (event) => event.target.closest(".panel-term");
  let over = null;
  const mark = (panel) => {
    over?.classList.remove("is-drop");
    over = panel;
    over?.classList.add("is-drop");
    if (over) over.dataset.drop = gettext("Let go: the files go into ~ on this machine.");
  };
  deck.addEventListener("dragover", (event) => {
    const panel = panelOf(event);
    if (!panel || !hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    if (panel !== over) mark(panel);
  });
  deck.addEventListener("dragleave", (event) => {
    if (!deck.contains(event.relatedTarget)) mark(null);
  });
  deck.addEventListener("drop", (event) => {
    const panel = panelOf(event);
    mark(null);
    if (!panel || !hasFiles(event)) return;
    event.preventDefault();
    const files = [...event.dataTransfer.items].filter((item) => !item.webkitGetAsEntry?.()?.isDirectory)
      .map((item) => item.getAsFile()).filter(Boolean);
    dropped(panel, files);
  });
}
