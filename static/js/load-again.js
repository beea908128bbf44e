// A page that lost a script or a style on its way loads once more. Chromium drops whatever is on
// its way when a network interface comes or goes (ERR_NETWORK_CHANGED), and where the site runs on
// the learner's own computer every machine that starts or ends is such an interface.
// No module: it has to listen before the first of them is asked for.
(() => {
  const KEPT = "slipway.loads-again";
  const MOST = 3;
  let failed = false;

  const again = () => {
    if (failed) return;
    failed = true;
    try {
      const tries = Number(sessionStorage.getItem(KEPT) ?? 0);
      if (tries >= MOST) return;
      sessionStorage.setItem(KEPT, String(tries + 1));
    } catch {
      return; // Nobody counts, so this might never end.
    }
    location.reload();
  };

  addEventListener("error", ({ target }) => {
    if (target instanceof HTMLScriptElement) again();
    else if (target instanceof HTMLLinkElement && ["stylesheet", "modulepreload"].includes(target.rel)) again();
  }, true);
  addEventListener("load", () => {
    try {
      if (!failed) sessionStorage.removeItem(KEPT);
    } catch {
      // Without storage nothing was kept.
    }
  });
})();
