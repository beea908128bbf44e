// Sizes of files in words.
import { gettext } from "./words.js";

const UNITS = [gettext("bytes"), "KiB", "MiB", "GiB"];

/** `1536` is "1.5 KiB". */
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
