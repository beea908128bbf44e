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

/** The same with a number that decides between singular and plural. */
export function ngettext(one, many, count, values = {}) {
  const text = catalogue.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
  return fill(text, { count, ...values });
}
