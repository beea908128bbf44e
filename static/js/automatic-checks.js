// After a command has finished, the open task checks itself: one check at a time, never two
// for one burst of commands.

const QUIET_MS = 350;

/** Check `cards` (in page order) when commands finish. */
export function startAutomaticChecks(cards) {
  let timer = 0;
  let busy = false;
  let again = false;

  const round = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      await checkOpen(cards);
    } finally {
      busy = false;
    }
    if (again) {
      again = false;
      round();
    }
  };

  document.addEventListener("slipway:command", () => {
    clearTimeout(timer);
    timer = setTimeout(round, QUIET_MS);
  });
}

/**
 * The first task that has not passed shows whatever comes of its check; after a pass the next
 * one is checked too, but quietly: nobody has turned to it yet. Tasks that were tried before
 * keep their verdict up to date.
 */
async function checkOpen(cards) {
  let turned = true;
  for (const card of cards) {
    if (card.state === "passed") continue;
    const tried = card.state === "failing";
    if (!turned && !tried) return;
    const result = await card.check("command", { quiet: !turned && !tried });
    turned = result?.passed ?? false;
  }
}
