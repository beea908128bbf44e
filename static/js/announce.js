// One polite live region for the whole page.

let timer = 0;

/** Have screen readers say `text` once; a later text replaces one that is still waiting. */
export function announce(text) {
  const region = document.getElementById("announce");
  if (!region) return;
  clearTimeout(timer);
  region.textContent = "";
  // A text that is set in the same turn as the clearing is not noticed as a change.
  timer = setTimeout(() => (region.textContent = text), 60);
}
