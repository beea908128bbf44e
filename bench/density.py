"""What an idle machine costs: `python -m bench.density [--budget MIB] [--most N] [--seconds S]`.

Makes machines of each kind, as warm machines are made, until they use a budget of memory (2048
MiB for each kind) or there are N of them (60), lets them idle for S seconds (20) and reads their
control groups: memory without page cache that could be dropped, processes, processor time; and
the engine's own process beside each (a shim), which is in no group of the machine's. The budget
is for both. Prints medians per machine and sums; what 50 of them take is said to be extrapolated
where there were fewer. Guests of `vm` machines are emulated here, on any host.
"""

import argparse
import os
import platform
import statistics
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from bench.ending import removed_with_us  # noqa: E402
from sandbox import assembly, engine  # noqa: E402
from sandbox.models import make_sandbox_id  # noqa: E402
from sandbox.specs import MachineSpec  # noqa: E402

# What a machine does when it comes up is over after so long.
SETTLE_SECONDS = 30
GOAL_MIB = {"shell": 12, "docker": 90, "vm": None}
# The goal for processor time is for so many.
OF, GOAL_PERCENT = 50, 5
MIB = 1024 * 1024
CGROUPS = Path("/sys/fs/cgroup")


def groups_of(container_id: str) -> list[Path]:
    """The control group directories of a running container."""
    found = engine.inspect_container(container_id)
    assert found
    groups = []
    for line in Path(f"/proc/{found['State']['Pid']}/cgroup").read_text().splitlines():
        _number, controllers, path = line.split(":", 2)
        directory = CGROUPS / controllers.removeprefix("name=") / path[1:]
        # A delegated engine moves its processes into a child: the container's own group is above.
        above = (directory, *directory.parents)
        groups += [p for p in above if container_id in p.name and p.is_dir()][-1:]
    return groups


def read(groups: list[Path], *names: str) -> str:
    for group in groups:
        for name in names:
            if (group / name).exists():
                return (group / name).read_text(encoding="ascii")
    raise FileNotFoundError(names)


def memory_bytes(groups: list[Path]) -> int:
    """Memory in use, without file pages that nobody has touched lately."""
    used = int(read(groups, "memory.usage_in_bytes", "memory.current"))
    stat = dict(line.split() for line in read(groups, "memory.stat").splitlines())
    return used - int(stat.get("total_inactive_file", stat.get("inactive_file", "0")))


def processor_seconds(groups: list[Path]) -> float:
    text = read(groups, "cpuacct.usage", "cpu.stat")
    if text.strip().isdigit():
        return int(text) / 1e9
    return int(dict(line.split() for line in text.splitlines())["usage_usec"]) / 1e6


def processes(groups: list[Path]) -> int:
    return int(read(groups, "pids.current"))


def shim_of(container_id: str) -> int:
    """The process of the engine's that looks after one container: the parent of its PID 1."""
    found = engine.inspect_container(container_id)
    assert found
    stat = Path(f"/proc/{found['State']['Pid']}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def proportional_bytes(pid: int) -> int:
    """Memory of a process, what it shares with others divided by how many they are."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def process_seconds(pid: int) -> float:
    """Of all threads, in nanoseconds: the clock ticks of /proc/PID/stat are too coarse here."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


class Idle:
    """One machine that is up: what it takes, and the engine's process for it."""

    def __init__(self, container_id: str) -> None:
        self.groups, self.shim = groups_of(container_id), shim_of(container_id)

    def memory_bytes(self) -> int:
        """With the engine's process beside it: what the budget is for."""
        return memory_bytes(self.groups) + proportional_bytes(self.shim)


def fill(kind: str, owners: list[str], budget_mib: int, most: int) -> tuple[list[Idle], str]:
    """Make machines until the next one would not fit; they, and what ended it.

    The owner of each is added to `owners` before it is made.
    """
    machines: list[Idle] = []
    spec = MachineSpec(name="box", kind=kind)
    while len(machines) < most:
        used = sum(machine.memory_bytes() for machine in machines) / MIB
        if machines and used + used / len(machines) > budget_mib:
            return machines, f"the next one would go beyond {budget_mib} MiB ({used:.0f} used)"
        owners.append(make_sandbox_id())
        removed_with_us(assembly.sandbox_label(owners[-1]))
        made = assembly.make_machine(owners[-1], spec, None, lambda _: None)
        machines.append(Idle(made.container_id))
    used = sum(machine.memory_bytes() for machine in machines) / MIB
    return machines, f"{most} are enough; {used:.0f} of {budget_mib} MiB used"


def measure(kind: str, options: argparse.Namespace) -> None:
    owners: list[str] = []
    try:
        machines, why = fill(kind, owners, options.budget, options.most)
        how = ", guests emulated" if kind == "vm" else ""
        print(f"{kind:7} {len(machines)} machines{how}: {why}")
        time.sleep(SETTLE_SECONDS)
        before = [processor_seconds(machine.groups) for machine in machines]
        shims_before = [process_seconds(machine.shim) for machine in machines]
        time.sleep(options.seconds)
        spent = sum(processor_seconds(machine.groups) for machine in machines) - sum(before)
        beside = sum(process_seconds(machine.shim) for machine in machines) - sum(shims_before)
        report(kind, machines, spent / options.seconds, beside / options.seconds)
    finally:
        for owner in owners:
            assembly.remove_owned(owner)


def report(kind: str, machines: list[Idle], spent: float, beside: float) -> None:
    """`spent`, `beside`: shares of a core that all machines, and the engine's processes, took."""
    mib = [memory_bytes(machine.groups) / MIB for machine in machines]
    goal = f", goal {GOAL_MIB[kind]}" if GOAL_MIB[kind] else ""
    counts = statistics.median(processes(machine.groups) for machine in machines)
    print(
        f"{'':7} each: median {statistics.median(mib):.1f} MiB (max {max(mib):.1f}{goal}), "
        f"{counts:.0f} processes, {100 * spent / len(machines):.3f} % of a core idle"
    )
    shim_mib = statistics.median(proportional_bytes(machine.shim) for machine in machines) / MIB
    print(
        f"{'':7} beside each, the engine's own process for it: {shim_mib:.1f} MiB, "
        f"{100 * beside / len(machines):.3f} % of a core"
    )
    both = 100 * (spent + beside)
    print(
        f"{'':7} all {len(machines)} idle, with those beside them: {both:.2f} % of a core", end=""
    )
    if len(machines) != OF:
        print(f"; {OF} of them, extrapolated: {both * OF / len(machines):.2f} %", end="")
    print(f" (goal {GOAL_PERCENT} for {OF})")


def options_of() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.density")
    parser.add_argument("--budget", type=int, default=2048, metavar="MIB", help="for each kind")
    parser.add_argument("--most", type=int, default=60, metavar="N", help="machines of a kind")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="of idling")
    parser.add_argument("--kinds", default=",".join(GOAL_MIB), help="comma-separated")
    return parser.parse_args()


if __name__ == "__main__":
    wanted = options_of()
    print(f"{platform.platform()}, {os.cpu_count()} processors, idle for {wanted.seconds:.0f} s")
    for each in wanted.kinds.split(","):
        measure(each, wanted)
