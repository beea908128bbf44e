// House and apartment: the layers under a VM and under a container, filled with measured values.
// One waterline runs under both; where it steps is exactly one kernel.
import { saveButtons, valueRows } from "./chart-files.js";
import { mib, shortBoot } from "./figures.js";
import { h } from "./markup.js";
import { percent, s } from "./svg.js";
import { gettext } from "./words.js";

const HEIGHT = 404;
const HIGH = { vm: 274, box: 222 };
const KERNEL = HIGH.vm - HIGH.box;
const HALF = 0.5;
// What the house's roof takes; without a house the drawing begins below it.
const ROOF = 76;

const read = (values, name) => values?.[name]?.value ?? null;
const or = (value, word = gettext("not read")) => (value === null ? word : String(value));

const WHY = {
  app: gettext("What you came for. It calls a kernel for everything: files, memory, network, time."),
  userland: gettext("Programs and libraries: the same tree in both. A distribution is files like these."),
  init: gettext("A VM starts like a computer: its kernel runs an init, and init everything else."),
  own: gettext("The house's own foundation. It was booted in the VM and serves this VM alone; a crash here ends this VM and nothing else."),
  hypervisor: gettext("To the host, the whole VM is one process. QEMU plays the hardware that the VM's kernel believes in."),
  engine: gettext("The engine sets namespaces and control groups around processes, then steps aside: nothing of it stands between a process and the kernel."),
  unit: gettext("Your apartment: processes with files, numbers and a name of their own. There is no kernel in it."),
  neighbour: gettext("Other machines on the same host. Walls are namespaces: they can't be seen from here."),
  kernel: gettext("The host's kernel. Every container on this host calls it directly; a VM reaches it only through QEMU."),
  hardware: gettext("Processors and memory, shared out by the one kernel that touches them."),
};

/** A layer: focus or hover shows what it is. */
function layer(key, name, value, explain, ...shapes) {
  const said = `${name}: ${value}. ${WHY[key]}`;
  const group = s("g", { class: "layer", tabindex: "0", role: "img", "aria-label": said, "data-layer": key }, s("title", {}, `${name}: ${value}`), ...shapes);
  for (const event of ["focus", "mouseenter"]) group.addEventListener(event, () => explain(name, value, WHY[key]));
  return group;
}

function room(x, width, y, height, kind, name, value) {
  const inset = 0.015;
  return [
    s("rect", { class: kind, x: percent(x), y, width: percent(width), height }),
    s("text", { class: `t ${kind}-t`, x: percent(x + inset), y: y + 19 }, name),
    s("text", { class: `v ${kind}-v`, x: percent(x + inset), y: y + 37 }, value),
  ];
}

function house(values, explain) {
  const [x, width] = [0.04, 0.42];
  // `drawn`: what of the value has room in the drawing; all of it is said, and stands in the table.
  const add = (key, name, value, y, kind = "wall-room", drawn = value) =>
    layer(key, name, value, explain, ...room(x, width, y, KERNEL, kind, name, drawn));
  const processes = gettext("%(values)s processes inside", { values: or(read(values, "processes_inside")) });
  return [
    s("svg", { x: percent(x), y: 8, width: percent(width), height: 58, viewBox: "0 0 100 58", preserveAspectRatio: "none" },
      s("path", { class: "wall", "vector-effect": "non-scaling-stroke", d: "M1 58 50 2 99 58z" })),
    s("rect", { class: "wall", x: percent(x), y: 66, width: percent(width), height: HIGH.vm - 66 }),
    add("userland", gettext("your programs"), processes, 118),
    add("init", gettext("its own init"), gettext("process 1 of the VM"), 170),
    add("own", gettext("its own kernel"), gettext("%(values)s, boot %(values2)s", { values: or(read(values, "kernel")), values2: shortBoot(read(values, "boot")) }), HIGH.box, "found", or(read(values, "kernel"))),
  ];
}

function apartment(values, name, explain, from) {
  const width = 1 - from - 0.04;
  const top = 118;
  const own = width * 0.52;
  const inside = gettext("%(values)s processes", { values: or(read(values, "processes_inside")) });
  return [
    s("line", { class: "beam", x1: percent(from), x2: percent(from + width), y1: 104, y2: 104 }),
    s("text", { class: "v", x: percent(from), y: 94 }, gettext("walls are namespaces")),
    layer("unit", gettext("%(name)s, yours", { name }), inside, explain,
      s("rect", { class: "unit", x: percent(from), y: top, width: percent(own), height: HIGH.box - top }),
      s("text", { class: "t unit-t", x: percent(from + 0.015), y: top + 24 }, name),
      s("text", { class: "v unit-v", x: percent(from + 0.015), y: top + 44 }, inside),
      s("text", { class: "v unit-v", x: percent(from + 0.015), y: top + 62 }, mib(read(values, "memory_cgroup"))),
      s("text", { class: "v unit-v", x: percent(from + 0.015), y: top + 80 }, gettext("no kernel"))),
    layer("neighbour", gettext("next door"), gettext("others on this host"), explain,
      s("rect", { class: "part", x: percent(from + own + 0.02), y: top, width: percent(width - own - 0.02), height: HIGH.box - top }),
      s("text", { class: "next", x: percent(from + own + 0.04), y: top + 44 }, gettext("next door"))),
  ];
}

/** Everything below the line, from left to right: the same kernel and hardware on both sides. */
function sea(host, vm, box, explain, withHouse) {
  const split = withHouse ? HALF : 0;
  const kernel = or(read(host, "kernel") ?? read(box, "kernel"));
  const boot = shortBoot(read(host, "boot") ?? read(box, "boot"));
  const qemu = read(vm, "accelerator") === "kvm" ? gettext("QEMU, KVM") : gettext("QEMU, emulated");
  const pid = read(vm, "guest_pid_outside");
  const processors = or(read(host, "processors"), "?");
  const hardware = host?.memory
    ? gettext("%(processors)s processors, %(memory)s", { processors, memory: mib(host.memory.value) })
    : gettext("%(processors)s processors, memory not read", { processors });
  // One message on two lines of the drawing.
  const outside = gettext("1 inside is\n%(pid)s outside", { pid: or(read(box, "first_pid_outside")) }).split("\n");
  const y = HIGH.vm;
  const parts = [
    s("rect", { class: "sea-bg", x: percent(split), y: HIGH.box, width: percent(1 - split), height: HEIGHT - HIGH.box }),
    withHouse ? s("rect", { class: "sea-bg", x: 0, y, width: "50%", height: HEIGHT - y }) : null,
    withHouse ? layer("hypervisor", qemu, pid === null ? gettext("1 process") : gettext("process %(pid)s of the host", { pid }), explain,
      s("text", { class: "t sea-t", x: "4%", y: y + 24 }, qemu),
      s("text", { class: "v sea-v", x: "4%", y: y + 42 }, pid === null ? gettext("1 process") : gettext("1 process: %(pid)s", { pid }))) : null,
    layer("engine", gettext("engine"), gettext("its process 1 is %(box)s of the host", { box: or(read(box, "first_pid_outside")) }), explain,
      s("text", { class: "v sea-v", x: percent(split + 0.04), y: HIGH.box + 24 }, outside[0]),
      s("text", { class: "v sea-v", x: percent(split + 0.04), y: HIGH.box + 42 }, outside[1] ?? "")),
    layer("kernel", gettext("the host's kernel"), gettext("%(kernel)s, boot %(boot)s", { kernel, boot }), explain,
      s("rect", { class: "sea-kernel", x: 0, y: y + 52, width: "100%", height: 40 }),
      s("text", { class: "t sea-t", x: "4%", y: y + 77 }, gettext("one kernel")),
      s("text", { class: "v sea-v", x: "96%", y: y + 77, "text-anchor": "end" }, gettext("%(kernel)s · boot %(boot)s", { kernel, boot }))),
    layer("hardware", "hardware", hardware, explain,
      s("text", { class: "t sea-t", x: "4%", y: y + 117 }, "hardware"),
      s("text", { class: "v sea-v", x: "96%", y: y + 117, "text-anchor": "end" }, hardware)),
  ];
  return parts.filter(Boolean);
}

/** The line itself: under the foundation, up by one kernel, under the apartments. */
function waterline(withHouse) {
  const line = (attributes) => s("line", { class: "lvl", ...attributes });
  const sign = (x, y) => s("svg", { x, y: y - 1, overflow: "visible" }, s("path", { class: "tri", d: "M-8-10H8L0 0z" }));
  if (!withHouse) return [line({ x1: 0, x2: "100%", y1: HIGH.box, y2: HIGH.box }), sign("2%", HIGH.box)];
  return [
    line({ x1: 0, x2: "50%", y1: HIGH.vm, y2: HIGH.vm }), line({ x1: "50%", x2: "50%", y1: HIGH.box, y2: HIGH.vm }),
    line({ x1: "50%", x2: "100%", y1: HIGH.box, y2: HIGH.box }), sign("2%", HIGH.vm),
  ];
}

/** Draw into `figure` what was measured: `found` is values by subject, `machines` the lesson's. */
export function drawStack(figure, found, machines, all) {
  const vmName = machines.find(({ kind, name }) => kind === "vm" && found[name])?.name;
  const boxName = machines.find(({ kind, name }) => kind !== "vm" && found[name])?.name;
  if (!boxName && !vmName) return;
  const body = figure.querySelector("[data-diagram-body]");
  const focused = body.querySelector(".layer:focus")?.dataset.layer;
  const shown = body.querySelector("[data-explain]") ?? h("p", { class: "explain", "data-explain": true, role: "status" },
    gettext("Point at a layer, or go through them with Tab, to see what it is."));
  const explain = (name, value, why) => shown.replaceChildren(h("b", {}, name), ` ${value}. ${why}`);
  const withHouse = Boolean(vmName);
  const [vm, box] = [found[vmName], found[boxName]];
  const up = withHouse ? 0 : ROOF;
  const svg = s("svg", { class: "chart stack-drawing", height: HEIGHT - up, role: "group", "aria-label": summary(vmName, vm, boxName, box) },
    s("svg", { y: -up, overflow: "visible" },
      ...sea(found.host, vm, box, explain, withHouse),
      ...(withHouse ? house(vm, explain) : []),
      ...(boxName ? apartment(box, boxName, explain, withHouse ? HALF + 0.04 : 0.04) : []),
      ...waterline(withHouse)));
  const captions = h("div", { class: "stack-captions" },
    withHouse ? h("p", {}, h("b", {}, gettext("A house: %(vmName)s", { vmName })), gettext("Its kernel is above the line.")) : null,
    boxName ? h("p", {}, h("b", {}, gettext("An apartment: %(boxName)s", { boxName })), gettext("Its kernel is below the line.")) : null);
  body.replaceChildren(captions, svg, shown, table(found, vmName, boxName), saveButtons(figure, "stack", () => valueRows(all)));
  if (focused) svg.querySelector(`[data-layer="${focused}"]`)?.focus();
}

function summary(vmName, vm, boxName, box) {
  const parts = [];
  if (vmName) parts.push(gettext("The VM %(vmName)s has its own kernel %(vm)s; the line where sharing ends runs below it.", { vmName, vm: or(read(vm, "kernel")) }));
  if (boxName) parts.push(gettext("The container %(boxName)s has none; the line runs directly below its processes. The kernel there is %(box)s.", { boxName, box: or(read(box, "kernel")) }));
  return parts.join(" ");
}

function table(found, vmName, boxName) {
  const names = [vmName, boxName].filter(Boolean);
  const rows = [[gettext("Kernel"), "kernel"], [gettext("Boot id"), "boot"], [gettext("Processes inside"), "processes_inside"], [gettext("Seen from outside"), "processes_outside"], [gettext("Process 1, outside"), "first_pid_outside"]];
  const cell = (name, key) => (key === "boot" ? shortBoot(read(found[name], key)) : or(read(found[name], key)));
  return h("table", { class: "sheet" }, h("caption", { class: "visually-hidden" }, gettext("The values of the drawing")),
    h("thead", {}, h("tr", {}, ["", ...names, gettext("host")].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map(([word, key]) => h("tr", {}, h("th", { scope: "row" }, word),
      names.map((name) => h("td", {}, cell(name, key))), h("td", {}, found.host?.[key] ? cell("host", key) : "–")))));
}
