"""What a host must keep for a kind of machine to be safe, and what follows when it does not.

Findings come from probes that run code on the engine (`sandbox/examination.py`). A kind
whose required promise is not kept, or could not be found out, is off until the operator
accepts the risk by the promise's id in SANDBOX_ACCEPT_RISK.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import get_args

from django.conf import settings

from sandbox import egress
from sandbox.errors import KindOff
from sandbox.specs import RUNNABLE_KINDS, Kind

ALL_KINDS = frozenset(get_args(Kind))


class Verdict(StrEnum):
    """What a probe found."""

    KEPT = "kept"
    BROKEN = "not kept"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Finding:
    """A verdict and what it rests on, in one line."""

    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class Promise:
    """One promise. `kept` and `broken` are sentences for people; `change` says what to do.

    `required_by`: kinds that are off without it. `told_for`: kinds that run without it,
    while the report says what is missing.
    """

    id: str
    title: str
    kept: str
    broken: str
    change: str
    required_by: frozenset[str] = frozenset()
    told_for: frozenset[str] = frozenset()

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds it is about, in the order of `Kind`."""
        return tuple(k for k in get_args(Kind) if k in self.required_by | self.told_for)


def _runtime_promise(kind: str) -> Promise:
    return Promise(
        id=f"runtime-{kind}",
        title=f"Runtime of {kind}",
        kept=f"Machines of kind {kind} run under the runtime that was chosen for them.",
        broken=f"The engine does not run the runtime that was chosen for machines of kind {kind}.",
        change=f"Add it to the engine's runtimes (daemon.json, `runtimes`), or change "
        f"SANDBOX_RUNTIME_{kind.upper()}; empty is the engine's default.",
        required_by=frozenset({kind}),
    )


def _egress_promise(kind: str) -> Promise:
    return Promise(
        id=f"egress-{kind}",
        title=f"Way out of {kind}",
        kept=f"Machines of kind {kind} reach outside what the operator lists, and nothing else.",
        broken=f"Machines of kind {kind} reach more outside than the operator lists.",
        change=f"Empty SANDBOX_EGRESS_{kind.upper()} closes the way out. Please report this.",
        required_by=frozenset({kind}),
    )


# Runtimes first: without one no other probe of that kind can run, and the cause is named.
PROMISES: tuple[Promise, ...] = (
    *(_runtime_promise(kind) for kind in get_args(Kind) if kind in RUNNABLE_KINDS),
    Promise(
        id="user-namespaces",
        title="User namespaces",
        kept="A learner's own engine runs as an ordinary user of the host.",
        broken="An ordinary user can't make the user namespace that a learner's own engine needs.",
        change="Set user.max_user_namespaces above 0 and, where they exist, "
        "kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0 "
        "(sysctl); load the module tun.",
        required_by=frozenset({"docker"}),
    ),
    Promise(
        id="isolated-network",
        title="Isolated network",
        kept="Machines of a lesson reach each other and no address of the host.",
        broken="Machines of a lesson reach the host by the network between them.",
        change="Use Docker engine 20.10 or later with its bridge driver, and no rules of your "
        "own that forward from its bridges.",
        required_by=ALL_KINDS,
    ),
    *(_egress_promise(kind) for kind in egress.KINDS),
    Promise(
        id="memory-limit",
        title="Memory limit",
        kept="A machine that takes more memory than its limit loses the program, not the host.",
        broken="A machine can take all memory of the host.",
        change="Boot with cgroup_enable=memory swapaccount=1, or use a host with cgroup v2.",
        required_by=ALL_KINDS,
    ),
    Promise(
        id="process-limit",
        title="Process limit",
        kept="A fork bomb ends at the machine's own limit.",
        broken="A fork bomb in one machine takes all process ids of the host.",
        change="Use a kernel with the pids cgroup controller (CONFIG_CGROUP_PIDS).",
        required_by=ALL_KINDS,
    ),
    Promise(
        id="seccomp",
        title="Seccomp filter",
        kept="System calls that a machine does not need are refused.",
        broken="Machines may use every system call of the host's kernel.",
        change="Use a kernel with CONFIG_SECCOMP_FILTER and an engine that does not run with "
        "seccomp switched off. A runtime with a kernel of its own has no such filter: there "
        "the risk can be accepted.",
        required_by=ALL_KINDS,
    ),
    Promise(
        id="cpu-limit",
        title="Processor limit",
        kept="A busy machine keeps to its share of the processors.",
        broken="A busy machine slows all others.",
        change="Use a kernel with CONFIG_CFS_BANDWIDTH.",
        told_for=ALL_KINDS,
    ),
    Promise(
        id="mandatory-access",
        title="AppArmor or SELinux",
        kept="A security module confines shells as a second wall.",
        broken="No security module confines shells: one wall less behind the others.",
        change="Install and enable AppArmor, or an engine with SELinux enabled.",
        told_for=frozenset({"shell", "vm"}),
    ),
    Promise(
        id="cgroup-delegation",
        title="Control group delegation",
        kept="Limits that a learner sets on their own containers work: --memory, --cpus, stats.",
        broken="In a learner's own engine --memory and --cpus are ignored and stats shows nothing.",
        change="Run the worker as root on the engine's host, or let it start helper containers "
        "with /sys/fs/cgroup writable.",
        told_for=frozenset({"docker"}),
    ),
    Promise(
        id="storage-quota",
        title="Storage quota",
        kept="The engine can hold a volume to a size.",
        broken="The engine can't hold a volume to a size, so a learner's own engine can fill "
        "the disk.",
        change="Keep the engine's data on XFS mounted with pquota, on a disk of its own.",
        told_for=frozenset({"docker"}),
    ),
    Promise(
        id="guests",
        title="Guests",
        kept="QEMU runs in a machine that may do as little as a shell.",
        broken="QEMU does not run in a machine that may do as little as a shell.",
        change="Use a host with an x86-64 processor, and the engine's default seccomp profile.",
        required_by=frozenset({"vm"}),
    ),
    Promise(
        id="kvm",
        title="KVM",
        kept="Virtual machines run on the processor itself.",
        broken="Virtual machines are emulated: real, but much slower.",
        change="Use a host with hardware virtualisation (nested, if it is a virtual machine "
        "itself) and /dev/kvm.",
        told_for=frozenset({"vm"}),
    ),
)
BY_ID = {promise.id: promise for promise in PROMISES}
NOT_FOUND_OUT = Finding(Verdict.UNKNOWN, "not examined")


def accepted() -> frozenset[str]:
    """Ids of the promises whose absence the operator accepts."""
    return frozenset(settings.SANDBOX_ACCEPT_RISK)


def missing_for(kind: str, findings: Mapping[str, Finding]) -> list[Promise]:
    """Required promises of a kind that are not known to be kept, accepted ones included.

    Before the first examination (no findings at all) nothing is missing: a worker examines
    its host before it makes the first machine, and looks again then.
    """
    if not findings:
        return []
    return [
        promise
        for promise in PROMISES
        if kind in promise.required_by
        and findings.get(promise.id, NOT_FOUND_OUT).verdict != Verdict.KEPT
    ]


def require(kinds: Iterable[str], findings: Mapping[str, Finding]) -> None:
    """Raise KindOff for the first of `kinds` that is off."""
    for kind in sorted(set(kinds)):
        off = [p for p in missing_for(kind, findings) if p.id not in accepted()]
        if off:
            raise _kind_off(kind, off, findings)


def _kind_off(kind: str, off: list[Promise], findings: Mapping[str, Finding]) -> KindOff:
    first = off[0]
    why = first.broken
    if findings.get(first.id, NOT_FOUND_OUT).verdict == Verdict.UNKNOWN:
        why = f"whether this host keeps “{first.title}” could not be found out."
    ids = ",".join(promise.id for promise in off)
    return KindOff(
        f"Machines of kind {kind} are off on this site. {why[0].upper()}{why[1:]}",
        f"Text and quizzes work. Whoever runs this site: {first.change} "
        f"Or accept the risk: SANDBOX_ACCEPT_RISK={ids}. `manage.py sandboxreport` has the rest.",
    )
