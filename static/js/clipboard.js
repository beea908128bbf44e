// Copying, also where the page came by plain HTTP and the browser has no clipboard API.

function copyBySelection(text) {
  const field = document.createElement("textarea");
  const before = document.activeElement;
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  let done = false;
  try {
    done = document.execCommand("copy");
  } catch {
    done = false;
  }
  field.remove();
  before?.focus?.();
  return done;
}

/** Put `text` on the clipboard; false when this browser lets a page do it in no way. */
export async function copyText(text) {
  if (navigator.clipboard?.writeText) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused by a permission; the older way may still be allowed.
    }
  }
  return copyBySelection(text);
}
