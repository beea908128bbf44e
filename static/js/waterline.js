// Where the kernel is under the machine in view, with the release and boot id that were read.
import { h } from "./markup.js";
import { around, gettext, listed, said } from "./words.js";

const SHORT_BOOT_ID = 8;

const boot = (machine) =>
  machine.boot_id ? h("span", { class: "data", title: machine.boot_id }, gettext("boot %(boot)s", { boot: machine.boot_id.slice(0, SHORT_BOOT_ID) })) : null;

/** Draw the waterline of each machine in `names`, side by side; with no kernel to name, none. */
export function drawWaterlines(element, names, machines, hostKernel) {
  const lines = names.map((name) => machines.find((machine) => machine.name === name))
    .filter((machine) => machine?.kernel_release)
    .map((machine) => h("div", {
      class: "waterline", role: "group", "aria-label": gettext("What %(machine)s has of its own and what it shares", { machine: machine.name }),
    }, layers(machine, machines, hostKernel)));
  element.replaceChildren(...lines);
}

function layers(machine, machines, hostKernel) {
  return machine.kind === "vm" ? house(machine, machines, hostKernel) : box(machine, machines);
}

const above = (machine, words) =>
  h("p", { class: "above" }, h("span", {}, around(gettext("%(machine)s is yours"), { machine: h("b", {}, machine.name) })), h("span", {}, words),
    machine.notice ? h("span", { class: "notice" }, said(machine.notice)) : null,
    machine.image ? h("span", { class: "data" }, machine.image) : null);

function box(machine, machines) {
  const sharers = machines.filter((other) => other !== machine && other.boot_id && other.boot_id === machine.boot_id);
  const whose = sharers.length
    ? gettext("the same kernel is under %(sharers)s", { sharers: listed(sharers.map(({ name }) => name)) })
    : gettext("shared with the host and every container on it");
  return [
    above(machine, gettext("a container: its own processes, files and name")),
    h("p", { class: "waterline-mark" }, h("b", {}, `Linux ${machine.kernel_release}`), h("span", {}, whose), boot(machine)),
  ];
}

function house(machine, machines, hostKernel) {
  const host = machines.find((other) => other.kind !== "vm" && other.kernel_release);
  const release = host?.kernel_release ?? hostKernel;
  const line = release
    ? h("p", { class: "waterline-mark" }, h("b", {}, `Linux ${release}`), h("span", {}, gettext("the host's kernel, below the hypervisor")), host ? boot(host) : null)
    : null;
  return [
    above(machine, gettext("a virtual machine: its own kernel, init and devices")),
    h("p", { class: "own-kernel" }, h("b", {}, `Linux ${machine.kernel_release}`), h("span", {}, gettext("%(machine)s's own kernel", { machine: machine.name })), boot(machine)),
    line,
  ].filter(Boolean);
}
