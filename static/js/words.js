// The interface's words in the language of the page. The catalogue is a script of its own
// (/words.js), loaded before the modules; in English there is none, and a word is its own.

const catalogue = globalThis.django ?? {};

function fill(text, values) {
  return values ? text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole) : text;
}

/** `gettext("Ready in %(seconds)s s", { seconds })`: the text, its places filled. */
export function gettext(text, values) {
  return fill(catalogue.gettext?.(text) ?? text, values);
}

const SAID = "said\u0004";
const PLACE = /%\((\w+)\)s/;
let patterns = null;

/** The sentences of workers that have places, and what recognises each. */
function known() {
  const texts = Object.keys(catalogue.catalog ?? {}).filter((key) => key.startsWith(SAID) && PLACE.test(key));
  return texts.map((key) => {
    const pieces = key.slice(SAID.length).replaceAll("%%", "%").split(PLACE);
    const escaped = pieces.map((piece, at) => (at % 2 ? `(?<${piece}>.+?)` : piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
    return { pattern: new RegExp(`^${escaped.join("")}$`, "s"), text: catalogue.catalog[key] };
  });
}

function translated(text) {
  const whole = catalogue.catalog[SAID + text];
  if (whole) return whole;
  patterns ??= known();
  for (const { pattern, text: words } of patterns) {
    const places = pattern.exec(text)?.groups;
    if (!places) continue;
    const values = Object.fromEntries(Object.entries(places).map(([name, value]) => [name, said(value)]));
    return fill(words, values).replaceAll("%%", "%");
  }
  return null;
}

/** A message with its hint behind it, as a failed run keeps them. */
function translatedPair(text) {
  for (const { index } of text.matchAll(/ (?=[A-Z])/g)) {
    const [message, hint] = [translated(text.slice(0, index)), translated(text.slice(index + 1))];
    if (message && hint) return `${message} ${hint}`;
  }
  return null;
}

/**
 * A sentence that a worker wrote, which is always English, in the language of the page; as it is
 * if it is none that is known (sandbox/sentences.py).
 */
export function said(text) {
  if (!text || !catalogue.catalog) return text;
  // The pair first: a place at the end of a message would take the hint in.
  return translatedPair(text) ?? translated(text) ?? text;
}

/**
 * The children of an element whose words stand around others: `around(gettext("%(key)s leaves the
 * terminal"), { key: h("kbd", {}, "F6") })`. The translation decides where each one stands.
 */
export function around(text, elements) {
  return text.split(/(%\(\w+\)s)/).map((piece) => elements[piece.slice(2, -2)] ?? piece);
}

/** Names in a row: "laptop", "laptop and production", "a, b and c". */
export function listed(names) {
  return names.length < 2 ? names.join("") : gettext("%(names)s and %(last)s", { names: names.slice(0, -1).join(", "), last: names.at(-1) });
}

/** `gettext` with a number that decides between singular and plural. */
export function ngettext(one, many, count, values = {}) {
  const text = catalogue.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
  return fill(text, { count, ...values });
}
