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
