// The panels in the text that name what was read from the learner's own machines.
import { h } from "./markup.js";
import { seconds } from "./times.js";

const SHORT_BOOT_ID = 8;
const boot = (machine) => machine.boot_id?.slice(0, SHORT_BOOT_ID) ?? "not read";
const kernel = (machine) => machine.kernel_release ?? "not read";

function table(snapshot) {
  const row = (head, cells) => h("tr", {}, h("th", { scope: "row" }, head), cells.map((cell) => h("td", {}, cell)));
  const head = h("thead", {}, h("tr", {}, ["Machine", "Kernel", "Boot id"].map((word) => h("th", { scope: "col" }, word))));
  const rows = snapshot.machines.map((machine) => row(machine.name, [kernel(machine), boot(machine)]));
  const ready = snapshot.ready_seconds;
  return [
    h("table", { class: "sheet" }, head, h("tbody", {}, rows)),
    ready === null || ready === undefined ? null : h("p", { class: "quiet num" }, `All of them were ready ${seconds(ready)} s after Start.`),
  ].filter(Boolean);
}

function stack(machine, hostKernel) {
  const below = machine.kind === "vm" ? hostKernel : machine.kernel_release;
  const unit = machine.kind === "vm"
    ? h("div", { class: "unit unit-house" }, h("span", {}, machine.name), h("span", { class: "own" }, `Linux ${kernel(machine)}`))
    : h("div", { class: "unit unit-box" }, machine.name);
  return h("div", { class: "stack" }, unit, below ? h("div", { class: "level" }, `Linux ${below}`) : null);
}

function picture(snapshot, hostKernel) {
  const host = snapshot.machines.find((machine) => machine.kind !== "vm")?.kernel_release ?? hostKernel;
  return [h("div", { class: "stacks" }, snapshot.machines.map((machine) => stack(machine, host)))];
}

/** Fill the panels whenever the machines' kernels are known. */
export function startKernels(state, hostKernel) {
  const panels = (name) => document.querySelectorAll(`[data-${name}-body]`);
  const draw = () => {
    if (!state.usable) return;
    for (const body of panels("measure")) body.replaceChildren(...table(state.snapshot));
    for (const body of panels("diagram")) body.replaceChildren(...picture(state.snapshot, hostKernel));
  };
  state.addEventListener("change", draw);
  draw();
}
