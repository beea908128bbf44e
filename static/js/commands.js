// The blocks with commands and files: run, copy, write, and what came of it under the block.
import { call, segment } from "./api.js";
import { announce } from "./announce.js";
import { copyText } from "./clipboard.js";
import { h } from "./markup.js";
import { ago, seconds } from "./times.js";
import { gettext } from "./words.js";

const REFRESH_MS = 15_000;

const textOf = (block) => block.querySelector("[data-text]").textContent;

/** The block's commands: one a line, unless lines belong together (a here-document, a loop). */
function commandsOf(block) {
  const separate = block.querySelector("[data-text]").classList.contains("prompt-each");
  return separate ? textOf(block).split("\n").filter((line) => line.trim()) : [textOf(block)];
}

function note(block, ...parts) {
  const element = block.querySelector(".cmd-note");
  element.hidden = false;
  element.replaceChildren(...parts);
  announce(element.textContent);
  return element;
}

/** Wire all blocks; `machines` is null in a lesson without machines. */
export function startCommands(machines) {
  const does = {
    run: (block, button) => run(machines, block, button.dataset.machine),
    copy: (block) => copy(block),
    "edit-file": (block, button) => editFile(machines, block, button.dataset.machine),
    "write-file": (block, button) => writeFile(machines, block, button.dataset.machine),
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    const block = button?.closest(".cmd");
    if (block) does[button.dataset.action]?.(block, button);
  });
}

function notRunning(machines, block) {
  note(block, gettext("No machine is running."), " ", h("button", {
    class: "btn btn-small cmd-go", type: "button", onclick: () => machines?.showStart(),
  }, gettext("Go to Start")));
}

async function run(machines, block, machine) {
  const view = await machines?.terminalOf(machine);
  if (!view) {
    notRunning(machines, block);
    return;
  }
  const running = view.run(commandsOf(block));
  if (!running) {
    note(block, gettext("There is no connection to %(machine)s now. Run it again when the terminal is back.", { machine }));
    return;
  }
  if (!running.tracked) {
    note(block, gettext("Typed into %(machine)s.", { machine }));
    return;
  }
  note(block, gettext("Running on %(machine)s", { machine }));
  showOutcome(block, machine, await running.outcome);
}

function showOutcome(block, machine, outcome) {
  if (!outcome) {
    note(block, gettext("Typed into %(machine)s; its end was not seen.", { machine }));
    return;
  }
  const since = performance.now();
  const { exit, seconds: took } = outcome;
  const when = h("span", {});
  const write = () => (when.textContent = gettext("ran %(since)s in %(took)s s", { since: ago(since), took: seconds(took) }));
  write();
  const mark = exit === 0 ? h("span", { class: "ok" }, gettext("✓ exit 0")) : h("span", { class: "bad" }, gettext("× exit %(exit)s", { exit }));
  const element = note(block, mark, when);
  const timer = setInterval(() => (element.contains(when) ? write() : clearInterval(timer)), REFRESH_MS);
}

async function copy(block) {
  const text = textOf(block);
  if (await copyText(text)) {
    note(block, gettext("Copied."));
    return;
  }
  // A textarea: an input would drop the line ends.
  const field = h("textarea", { readonly: true, rows: "3", "aria-label": gettext("Text to copy") }, text);
  note(block, gettext("This browser does not let the page copy. Copy it from here:"), " ", field);
  field.select();
}

function editFile(machines, block, machine) {
  if (!machines?.editFile(machine, block.dataset.path, textOf(block))) notRunning(machines, block);
}

async function writeFile(machines, block, machine) {
  if (!machines?.usable) {
    notRunning(machines, block);
    return;
  }
  const { path } = block.dataset;
  note(block, gettext("Writing to %(machine)s", { machine }));
  try {
    const address = `/sandboxes/${segment(machines.state.id)}/machines/${segment(machine)}/files`;
    const { body } = await call("PUT", address, { path, content: textOf(block) });
    note(block, h("span", { class: "ok" }, gettext("✓ written")), gettext("%(path)s on %(machine)s, %(bytes)s bytes", { path: body.path, machine, bytes: body.bytes }));
    document.dispatchEvent(new CustomEvent("slipway:command", { detail: { machine, exit: 0, seconds: 0 } }));
  } catch (error) {
    note(block, h("span", { class: "bad" }, gettext("× not written")), [error.message, error.hint].filter(Boolean).join(" "));
  }
}
