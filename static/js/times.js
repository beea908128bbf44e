// Times as the site writes them.

/** Seconds with the digits that matter: 0.21, 2.3, 14. */
import { gettext } from "./words.js";
export function seconds(value) {
  if (value < 1) return value.toFixed(2);
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** A length of time in words: 40 s, 3 min. */
export function minutes(value) {
  return value < 90 ? `${Math.round(value)} s` : gettext("%(value)s min", { value: Math.round(value / 60) });
}

/** A countdown: 42:10, and 1:02:10 from an hour on. */
export function countdown(value) {
  const whole = Math.max(0, Math.floor(value));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** How long ago, given a performance.now() time. */
export function ago(since) {
  const passed = (performance.now() - since) / 1000;
  if (passed < 5) return gettext("just now");
  return passed < 90 ? gettext("%(passed)s s ago", { passed: Math.round(passed / 5) * 5 }) : gettext("%(passed)s min ago", { passed: Math.round(passed / 60) });
}

/** The time of day on this computer's clock. */
export function timeOfDay(iso) {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
