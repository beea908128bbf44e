// What is known of the learner's sandbox: one snapshot, fed by the API and the events socket.

const ENDED = new Set(["gone", "failed"]);
const USABLE = new Set(["ready", "expiring"]);
// A snapshot may have been taken before a terminal was closed and come after that was said.
const STALE_MS = 5_000;

/** Events: "change" after every snapshot, with the state before in `detail.before`. */
export class SandboxState extends EventTarget {
  #receivedAt = 0;
  #closed = new Map();

  constructor(snapshot) {
    super();
    this.snapshot = null;
    this.warning = null;
    if (snapshot) this.update(snapshot);
  }

  get id() {
    return this.snapshot?.id ?? null;
  }

  get state() {
    return this.snapshot?.state ?? "none";
  }

  /** A sandbox exists that has not ended. */
  get live() {
    return this.snapshot !== null && !ENDED.has(this.state);
  }

  /** Terminals and checks work. */
  get usable() {
    return USABLE.has(this.state);
  }

  update(snapshot) {
    const before = this.state;
    this.snapshot = this.#withoutClosed(snapshot);
    this.#receivedAt = performance.now();
    if (before !== this.state && this.state === "ready") this.warning = null;
    this.dispatchEvent(new CustomEvent("change", { detail: { before } }));
  }

  /** A stage that was reached between two snapshots. */
  addStage(name, seconds) {
    if (!this.snapshot) return;
    const known = (this.snapshot.stages ?? []).filter((stage) => stage.name !== name);
    const seconds_left = this.secondsLeft();
    this.update({ ...this.snapshot, stage: name, stages: [...known, { name, seconds }], seconds_left });
  }

  /** A terminal was opened, renamed or closed, here or in another tab. */
  terminal({ change, machine, terminal, title }) {
    if (!this.snapshot) return;
    const key = `${machine}/${terminal}`;
    if (change === "closed") this.#closed.set(key, performance.now());
    else if (change === "opened") this.#closed.delete(key);
    const machines = this.snapshot.machines.map((each) => {
      if (each.name !== machine) return each;
      const others = (each.terminals ?? []).filter(({ name }) => name !== terminal);
      const known = (each.terminals ?? []).find(({ name }) => name === terminal);
      if (change === "closed") return { ...each, terminals: others };
      if (known) return { ...each, terminals: each.terminals.map((one) => (one === known ? { ...one, title } : one)) };
      return { ...each, terminals: [...others, { name: terminal, title }] };
    });
    const seconds_left = this.secondsLeft();
    this.update({ ...this.snapshot, machines, seconds_left });
  }

  #withoutClosed(snapshot) {
    if (!snapshot?.machines || this.#closed.size === 0) return snapshot;
    const lately = (machine, { name }) =>
      performance.now() - (this.#closed.get(`${machine.name}/${name}`) ?? -Infinity) < STALE_MS;
    const machines = snapshot.machines.map((each) =>
      ({ ...each, terminals: (each.terminals ?? []).filter((terminal) => !lately(each, terminal)) }));
    return { ...snapshot, machines };
  }

  warn(warning) {
    this.warning = warning;
    this.dispatchEvent(new CustomEvent("change", { detail: { before: this.state } }));
  }

  /** Seconds until the machines end, counted on from the last snapshot; null when unknown. */
  secondsLeft() {
    const left = this.snapshot?.seconds_left;
    return left === null || left === undefined ? null : Math.max(0, left - this.age());
  }

  /** Seconds since the last snapshot came. */
  age() {
    return (performance.now() - this.#receivedAt) / 1000;
  }
}
