// Make a part of the page like another one, touching only what differs: what has the keyboard,
// what is selected and what is scrolled stays as it is.

/**
 * Give `element` the attributes and children of `wanted`. Children with the same `data-key` are
 * the same child, wherever they stand; others are by their place and kind. `wanted` is used up.
 */
export function morph(element, wanted) {
  if (element.isEqualNode(wanted)) return;
  attributes(element, wanted);
  children(element, wanted);
}

function attributes(element, wanted) {
  for (const { name, value } of wanted.attributes) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  for (const { name } of [...element.attributes]) {
    if (!wanted.hasAttribute(name)) element.removeAttribute(name);
  }
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? (node.dataset?.key ?? null) : null);
const alike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

function children(element, wanted) {
  const keys = new Set([...wanted.children].map(keyOf));
  let at = element.firstChild;
  for (const next of [...wanted.childNodes]) {
    // What is wanted no more goes first, so that what stays need not be moved over it.
    while (at && keyOf(at) !== null && !keys.has(keyOf(at))) at = taken(at);
    const found = match(at, next);
    if (!found) {
      element.insertBefore(document.adoptNode(next), at);
      continue;
    }
    if (found === at) at = at.nextSibling;
    else moved(element, found, at);
    same(found, next);
  }
  while (at) at = taken(at);
}

function taken(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

/** The child from `at` on that is to become `next`: of that key, else the very next one. */
function match(at, next) {
  if (!at) return null;
  if (keyOf(next) === null) return alike(at, next) ? at : null;
  for (let child = at; child; child = child.nextSibling) if (alike(child, next)) return child;
  return null;
}

function moved(element, child, before) {
  const focused = child.contains(document.activeElement) ? document.activeElement : null;
  element.insertBefore(child, before);
  focused?.focus({ preventScroll: true });
}

function same(node, wanted) {
  if (node.nodeType === Node.ELEMENT_NODE) morph(node, wanted);
  else if (node.data !== wanted.data) node.data = wanted.data;
}
