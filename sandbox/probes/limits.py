"""Memory, process and processor limits: each is run into, in a helper with small ones."""

from sandbox.hostconfig import MIB
from sandbox.probes.containers import Said, ask, body_of, broken, kept, unknown
from sandbox.promises import Finding

MEMORY_MIB = 48
PROCESSES = 24
CPUS = 0.2
SCRIPT = f"""
import os, resource, signal, sys, time

def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except MemoryError:
            os._exit(1)
        os._exit(0)
    return pid

def take():
    block = bytearray({3 * MEMORY_MIB} * 1024 * 1024)
    block[::4096] = b"x" * len(block[::4096])

def throttled():
    for place in ("", "cpu/", "cpu,cpuacct/"):
        try:
            with open("/sys/fs/cgroup/" + place + "cpu.stat") as stat:
                return int(dict(line.split() for line in stat)["nr_throttled"])
        except (OSError, KeyError):
            continue
    return None

def spin(seconds):
    began, used = time.monotonic(), time.process_time()
    while time.monotonic() - began < seconds:
        pass
    return (time.process_time() - used) / (time.monotonic() - began)

_, status = os.waitpid(child(take), 0)
print("memory=" + ("held" if status else "taken"))
made = []
try:
    while len(made) < {3 * PROCESSES}:
        made.append(child(lambda: time.sleep(60)))
except OSError:
    pass
for pid in made:
    os.kill(pid, signal.SIGKILL)
for pid in made:
    os.waitpid(pid, 0)
print("processes=" + str(len(made)))
before = throttled()
print("share=" + str(round(spin(0.6), 2)))
print("throttled=" + ("?" if before is None else str(throttled() - before)))
"""


def limits() -> dict[str, Finding]:
    """Promises `memory-limit`, `process-limit` and `cpu-limit`."""
    body = body_of(
        "shell",
        ["/usr/bin/python3", "-c", SCRIPT],
        Memory=MEMORY_MIB * MIB,
        MemorySwap=MEMORY_MIB * MIB,
        PidsLimit=PROCESSES,
        NanoCpus=int(CPUS * 1e9),
    )
    return judge(ask(body))


def judge(said: Said) -> dict[str, Finding]:
    """From what the script said; what it did not get to is not known."""
    silent = unknown(said.refused or said.rest or "the helper ended too early")
    findings = dict.fromkeys(("memory-limit", "process-limit", "cpu-limit"), silent)
    if (memory := said.values.get("memory")) is not None:
        findings["memory-limit"] = (
            kept(f"a program that takes {3 * MEMORY_MIB} MiB under {MEMORY_MIB} MiB is killed")
            if memory == "held"
            else broken(f"a program got {3 * MEMORY_MIB} MiB under a limit of {MEMORY_MIB} MiB")
        )
    if (made := said.values.get("processes")) is not None:
        evidence = f"{made} further processes under a limit of {PROCESSES}"
        held = int(made) < PROCESSES
        findings["process-limit"] = kept(evidence) if held else broken(evidence)
    if "share" in said.values and "throttled" in said.values:
        findings["cpu-limit"] = _judge_share(said.values["share"], said.values["throttled"])
    return findings


def _judge_share(share: str, throttled: str) -> Finding:
    evidence = f"a busy program got {float(share):.2f} processors under a limit of {CPUS}"
    if throttled == "0" and float(share) < CPUS:
        return unknown(f"{evidence}, on a host too busy for the limit to matter")
    # Where the kernel does not say that it held a program back, a share far above will do.
    held = int(throttled) > 0 if throttled != "?" else float(share) < 2.5 * CPUS
    return kept(evidence) if held else broken(evidence)
