// Blocking and first in <head>: the kept theme must be on <html> before the first paint.
try {
  const kept = localStorage.getItem("slipway.theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch {
  // Storage is off: the system's theme stands.
}
