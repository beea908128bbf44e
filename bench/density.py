"""What an idle machine costs: `python -m bench.density [SHELL] [DOCKER] [SECONDS]`.

Makes so many machines of each kind (default 50 and 8), as warm machines are made, lets them
idle for SECONDS (default 20) and reads their control groups: memory without page cache that
could be dropped, processes, processor time; and the engine's own process beside each (a shim),
which is in no group of the machine's. Prints medians per machine and sums.
"""

import os
import platform
import statistics
import sys
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from bench.ending import removed_with_us  # noqa: E402
from sandbox import assembly, engine  # noqa: E402
from sandbox.models import make_sandbox_id  # noqa: E402
from sandbox.specs import MachineSpec  # noqa: E402

COUNTS = {
    "shell": int(sys.argv[1]) if len(sys.argv) > 1 else 50,
    "docker": int(sys.argv[2]) if len(sys.argv) > 2 else 8,
}
IDLE_SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 20
# What a machine does when it comes up is over after so long.
SETTLE_SECONDS = 30
GOAL_MIB = {"shell": 12, "docker": 90}
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


def measure(kind: str, count: int) -> None:
    owners = [make_sandbox_id() for _ in range(count)]
    for owner in owners:
        removed_with_us(assembly.sandbox_label(owner))
    try:
        spec = MachineSpec(name="box", kind=kind)
        made = [assembly.make_machine(owner, spec, None, lambda _: None) for owner in owners]
        groups = [groups_of(facts.container_id) for facts in made]
        shims = [shim_of(facts.container_id) for facts in made]
        time.sleep(SETTLE_SECONDS)
        before = sum(processor_seconds(group) for group in groups)
        shims_before = sum(map(process_seconds, shims))
        time.sleep(IDLE_SECONDS)
        spent = sum(processor_seconds(g) for g in groups) - before
        beside = sum(map(process_seconds, shims)) - shims_before
        mib = [memory_bytes(group) / MIB for group in groups]
        print(
            f"{kind:7} {count:3} machines  median {statistics.median(mib):5.1f} MiB "
            f"(max {max(mib):.1f}, goal {GOAL_MIB[kind]}), "
            f"{statistics.median(map(processes, groups)):.0f} processes, "
            f"all idle: {100 * spent / IDLE_SECONDS:.2f} % of a core"
        )
        shim_mib = statistics.median(map(proportional_bytes, shims)) / MIB
        print(
            f"{'':7} beside each, the engine's own process for it: {shim_mib:.1f} MiB; "
            f"all of them idle: {100 * beside / IDLE_SECONDS:.2f} % of a core"
        )
        fifty = 100 * (spent + beside) / IDLE_SECONDS * 50 / count
        print(f"{'':7} 50 of them idle: {fifty:.2f} % of a core (goal 5)")
    finally:
        for owner in owners:
            assembly.remove_owned(owner)


if __name__ == "__main__":
    print(f"{platform.platform()}, {os.cpu_count()} processors, idle for {IDLE_SECONDS:.0f} s")
    for kind, count in COUNTS.items():
        measure(kind, count)
