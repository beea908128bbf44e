// Small values that this browser keeps between visits: theme, widths, text size.

/** The kept value of `name`, or `fallback` where nothing is kept or storage is off. */
export function recall(name, fallback = null) {
  try {
    return localStorage.getItem(`slipway.${name}`) ?? fallback;
  } catch {
    return fallback;
  }
}

/** Keep `value` under `name`; without storage the value lives as long as the page. */
export function keep(name, value) {
  try {
    localStorage.setItem(`slipway.${name}`, String(value));
  } catch {
    // Private windows may refuse storage; the page works the same without.
  }
}
