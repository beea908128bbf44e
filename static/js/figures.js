// Measured values in words: units, labels, tables.
import { h } from "./markup.js";
import { gettext, said } from "./words.js";

const MIB = 1024 * 1024;
const SHORT_BOOT_ID = 8;

/** Bytes as people compare them: 0.8 MiB, 93 MiB. */
export function mib(bytes) {
  if (bytes === null || bytes === undefined) return gettext("not read");
  const value = bytes / MIB;
  if (value === 0) return "0";
  if (value >= 10_000) return gettext("%(value)s GiB", { value: (value / 1024).toFixed(1) });
  if (value > 0 && value < 0.01) return "< 0.01 MiB";
  return gettext("%(value)s MiB", { value: value < 10 ? Math.round(value * 100) / 100 : Math.round(value) });
}

/** Seconds of a start: 0.29 s, 12 s. */
export function secs(value) {
  if (value === null || value === undefined) return gettext("not read");
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} s`;
}

export const shortBoot = (id) => (id ? id.slice(0, SHORT_BOOT_ID) : gettext("not read"));

/** One value of the API in words. */
export function words({ value, unit, name }) {
  if (value === null || value === undefined) return gettext("not read");
  if (unit === "B") return mib(value);
  if (unit === "s") return secs(value);
  if (unit === "%") return `${value} %`;
  return name === "boot" ? shortBoot(value) : String(value);
}

const LABELS = {
  start: gettext("Start to first prompt"),
  seconds: gettext("Time to a prompt"),
  memory_cgroup: gettext("Memory, by control group"),
  memory_pss: gettext("Memory, by PSS"),
  memory_bytes: gettext("Memory, by PSS"),
  memory_limit: gettext("Memory it may use"),
  disk_own: gettext("Disk of its own"),
  disk_bytes: gettext("Disk of its own"),
  processes: gettext("Processes inside"),
  processes_inside: gettext("Processes inside"),
  processes_outside: gettext("Processes, seen from outside"),
  cpu_idle: gettext("Processor, right now"),
  kernel: gettext("Kernel"),
  boot: gettext("Boot id"),
  count: gettext("Started"),
  each_bytes: gettext("Memory for each"),
};

export const label = (name) => LABELS[name] ?? null;

const cell = (content) => h("td", {}, content);

/** A table with a caption; `rows` are [head, [cells], class]. */
export function sheet(caption, columns, rows) {
  const head = h("thead", {}, h("tr", {}, [gettext("Measured"), ...columns].map((column) => h("th", { scope: "col" }, column))));
  const body = h("tbody", {}, rows.map(([name, cells, kind]) => h("tr", { class: kind }, h("th", { scope: "row" }, name), cells.map(cell))));
  const table = h("table", { class: "sheet" }, h("caption", {}, caption), head, body);
  return h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": caption }, table);
}

/** How each value was taken, folded away. */
export function methods(values) {
  const seen = new Map();
  for (const value of values) {
    if (label(value.name)) seen.set(`${label(value.name)}, ${value.subject}`, value);
  }
  const entries = [...seen].flatMap(([head, { how, taken_at, emulated }]) => [
    h("dt", {}, head, emulated ? ` (${gettext("emulated")})` : ""),
    h("dd", {}, gettext("%(how)s. Taken at %(toLocaleTimeString)s.", { how: said(how), toLocaleTimeString: new Date(taken_at).toLocaleTimeString() })),
  ]);
  return h("details", { class: "methods" }, h("summary", {}, gettext("How each value was taken")), h("dl", {}, entries));
}
