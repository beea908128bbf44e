// Words of the glossary: a card with the meaning while a word is pointed at or has the focus.
//
// As WCAG 1.4.13 asks: Escape closes the card without moving anything, the pointer may go
// onto the card, and it stays until pointer and focus have left. Without a script, and on a
// second tap, the word is a link to its entry.

const LEAVE_MS = 250;
const GAP_PX = 6;

let word = null;
let card = null;
let leaving = 0;

function place() {
  // Of a word that is broken over two lines, the first part.
  const [box] = word.getClientRects();
  const { offsetWidth: width, offsetHeight: height } = card;
  const left = Math.min(box.left, document.documentElement.clientWidth - width - 2 * GAP_PX);
  const below = box.bottom + GAP_PX;
  const above = box.top - GAP_PX - height;
  card.style.left = `${Math.max(2 * GAP_PX, left)}px`;
  card.style.top = `${below + height > innerHeight && above > 0 ? above : below}px`;
}

function close() {
  clearTimeout(leaving);
  if (!card) return;
  card.hidden = true;
  word.removeAttribute("aria-describedby");
  word = card = null;
}

function open(next) {
  clearTimeout(leaving);
  if (next === word) return;
  close();
  const found = document.getElementById(`term-${next.dataset.gloss}`);
  if (!found) return;
  [word, card] = [next, found];
  card.hidden = false;
  word.setAttribute("aria-describedby", card.id);
  place();
}

/** The card goes with its word, and closes when the word has left the window. */
function follow() {
  if (!card) return;
  const { top, bottom } = word.getBoundingClientRect();
  if (bottom < 0 || top > innerHeight) close();
  else place();
}

const wordOf = (event) => event.target.closest?.("a[data-gloss]");

function leave() {
  clearTimeout(leaving);
  leaving = setTimeout(() => document.activeElement !== word && close(), LEAVE_MS);
}

/** Wire all words of the page. */
export function startGlossary() {
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    if (wordOf(event)) open(wordOf(event));
    else if (card?.contains(event.target)) clearTimeout(leaving);
    else if (card) leave();
  });
  document.addEventListener("focusin", (event) => (wordOf(event) ? open(wordOf(event)) : close()));
  document.addEventListener("focusout", (event) => wordOf(event) && leave());
  // Before others, and for nobody else: a terminal that has the focus would let no key through, and a
  // shell that got this one would take the next key for a command of its editor.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !card) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  }, { capture: true });
  // A finger can't hover: the first tap opens the card, the second follows the link.
  document.addEventListener("click", (event) => {
    const tapped = wordOf(event);
    if (tapped && event.pointerType === "touch" && tapped.dataset.tapped === undefined) {
      event.preventDefault();
      open(tapped);
      tapped.dataset.tapped = "";
    } else if (!tapped && card && !card.contains(event.target)) close();
    for (const other of document.querySelectorAll("[data-tapped]")) if (other !== tapped) delete other.dataset.tapped;
  });
  document.addEventListener("scroll", follow, { capture: true, passive: true });
  addEventListener("resize", follow);
}
