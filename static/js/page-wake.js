// When the page comes back: from sleep, from the background, from being frozen, to a network.

const TICK_MS = 5_000;
const GAP_MS = 20_000;

const listeners = new Set();
let hiddenAt = 0;
let tickedAt = Date.now();

const tell = () => {
  for (const listener of listeners) listener();
};

// The wall clock goes on while a laptop sleeps; performance.now() need not. In the background
// browsers make timers slow, which is no sleep.
setInterval(() => {
  const gap = Date.now() - tickedAt;
  tickedAt = Date.now();
  if (gap > GAP_MS && !document.hidden) tell();
}, TICK_MS);

document.addEventListener("visibilitychange", () => {
  if (document.hidden) hiddenAt = Date.now();
  else if (hiddenAt && Date.now() - hiddenAt > GAP_MS) tell();
});
addEventListener("pageshow", (event) => event.persisted && tell());
addEventListener("online", tell);

/** Call `listener` each time the page comes back; answers the way to stop that. */
export function onWake(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
