"""Virtual machine and container from the same files: `python -m bench.vm [ROUNDS]` (5).

Turns are taken, so that a busy moment meets all of them:

- cold: QEMU's start to the small guest's prompt, booted;
- restored: the same from this host's snapshot;
- full restored: the full guest (Debian, systemd) from its snapshot;
- container: `docker run --rm guest:small bash -lc true`, the same files, in a learner's engine.

Then memory and disk of one of each. Makes machines of its own and removes them. Figures of an
emulated guest say so: on a processor that runs guests itself they are many times smaller.
"""

import json
import os
import platform
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from bench.ending import removed_with_us  # noqa: E402
from sandbox import accelerator, assembly, engine, guest_snapshots, machines  # noqa: E402
from sandbox.models import Machine  # noqa: E402
from tests.engine.conftest import bare_machine  # noqa: E402
from tests.engine.vm_machine import around, asked, made, state_of  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
GOALS = {"cold": 3.0, "restored": 0.6, "full restored": 0.6}
MIB = 1024 * 1024
RUN = """began=$(date +%s%N); docker run --rm guest:small bash -lc true
echo $(( $(date +%s%N) - began ))"""
IDLE = """id=$(docker run -d guest:small sleep 600); sleep 1
docker stats --no-stream --format '{{.MemUsage}}' $id; docker rm -f $id >/dev/null
docker image inspect --format '{{.Size}}' guest:small"""


def further(machine: Machine, *options: str) -> float:
    """Seconds to the prompt of one further small guest in `machine`."""
    line = asked(machine, "guests", "start", "1", *options)[0]
    asked(machine, "guests", "stop")
    return float(line["seconds"])


def full_restored() -> float:
    with made(guest="full") as (_, facts, _stages):
        assert facts.guest["guest_how"] == "restored", facts
        return float(facts.guest["guest_seconds"])


def container(machine: Machine) -> float:
    """Seconds of the container's whole life, in the engine of a `docker` machine."""
    done = machines.run_in(machine, RUN.encode(), timeout_seconds=60)
    assert done.exit_code == 0, done.stderr
    return int(done.stdout) / 1e9


def main() -> None:
    if not guest_snapshots.are_made(accelerator.NONE):
        guest_snapshots.make(accelerator.NONE)
    with ExitStack() as held:
        (house,) = _hold(held, "vm")
        (ship,) = _hold(held, "docker")
        ways: dict[str, Callable[[], float]] = {
            "cold": lambda: further(house, "--boot"),
            "restored": lambda: further(house),
            "full restored": full_restored,
            "container": lambda: container(ship),
        }
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                took[name].append(way())
        _report(took)
        _sizes(house, ship)


def _hold(held: ExitStack, kind: str) -> list[Machine]:
    making = bare_machine(kind)
    held.callback(making.close)  # type: ignore[attr-defined]
    machine = next(making)
    found = engine.inspect_container(machine.container_id)
    assert found is not None
    removed_with_us(assembly.sandbox_label(found["Config"]["Labels"]["slipway.sandbox"]))
    return [machine]


def _report(took: dict[str, list[float]]) -> None:
    kind = state_label()
    print(
        f"{platform.platform()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {kind}"
    )
    middle = {name: statistics.median(values) for name, values in took.items()}
    for name, values in took.items():
        goal = f", goal {GOALS[name]} s" if name in GOALS else ""
        print(
            f"{name:14} median {middle[name]:5.2f} s ({min(values):.2f} to {max(values):.2f},"
            f" n={len(values)}) {middle[name] / middle['container']:5.1f} x the container{goal}"
        )


def state_label() -> str:
    return "guests emulated (TCG)"


def _sizes(house: Machine, ship: Machine) -> None:
    asked(house, "guests", "start", "1", "--boot")
    listed: dict[str, Any] = asked(house, "guests", "list")[0]
    booted = listed["guests"][0]["memory_bytes"]
    asked(house, "guests", "stop")
    idle = machines.run_in(ship, IDLE.encode(), timeout_seconds=60).stdout.split("\n")
    files = around(house, "/usr/bin/du", "-sb", "/usr/lib/slipway/guests/small.cpio").text.split()[
        0
    ]
    kernel = around(house, "/usr/bin/du", "-sb", "/usr/lib/slipway/guests/vmlinux").text.split()[0]
    print(f"memory  guest booted {booted / MIB:.0f} MiB (PSS of QEMU),", end=" ")
    print(f"guest restored {state_of(house)['memory_bytes'] / MIB:.0f} MiB, container {idle[0]}")
    print(
        f"disk    guest {int(files) / MIB:.1f} MiB and its kernel {int(kernel) / MIB:.1f} MiB,",
        end=" ",
    )
    print(f"container {int(idle[1]) / MIB:.1f} MiB")
    print(json.dumps({"limit_bytes": listed["limit_bytes"], "used_bytes": listed["used_bytes"]}))


if __name__ == "__main__":
    main()
