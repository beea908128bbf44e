"""What a host must keep for a kind of machine to be safe, and what follows when it does not.

Findings come from probes that run code on the engine (`sandbox/examination.py`). A kind
whose required promise is not kept, or could not be found out, is off until the operator
accepts the risk by the promise's id in SANDBOX_ACCEPT_RISK.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import get_args

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

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
    All of them and the title are in English, with `places` to be filled: `say` gives them.

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
    places: Mapping[str, str] = field(default_factory=dict, hash=False)

    def say(self, what: str) -> str:
        """The title or a sentence (`what`: the field's name), in the reader's language."""
        return gettext(getattr(self, what)) % self.places

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds it is about, in the order of `Kind`."""
        return tuple(k for k in get_args(Kind) if k in self.required_by | self.told_for)


def _runtime_promise(kind: str) -> Promise:
    return Promise(
        id=f"runtime-{kind}",
        title=_("Runtime of %(kind)s"),
        kept=_("Machines of kind %(kind)s run under the runtime that was chosen for them."),
        broken=_(
            "The engine does not run the runtime that was chosen for machines of kind %(kind)s."
        ),
        change=_(
            "Add it to the engine's runtimes (daemon.json, `runtimes`), or change %(setting)s;"
            " empty is the engine's default."
        ),
        places={"kind": kind, "setting": f"SANDBOX_RUNTIME_{kind.upper()}"},
        required_by=frozenset({kind}),
    )


def _egress_promise(kind: str) -> Promise:
    return Promise(
        id=f"egress-{kind}",
        title=_("Way out of %(kind)s"),
        kept=_(
            "Machines of kind %(kind)s reach outside what the operator lists, and nothing else."
        ),
        broken=_("Machines of kind %(kind)s reach more outside than the operator lists."),
        change=_("Empty %(setting)s closes the way out. Please report this."),
        places={"kind": kind, "setting": f"SANDBOX_EGRESS_{kind.upper()}"},
        required_by=frozenset({kind}),
    )


# Runtimes first: without one no other probe of that kind can run, and the cause is named.
PROMISES: tuple[Promise, ...] = (
    *(_runtime_promise(kind) for kind in get_args(Kind) if kind in RUNNABLE_KINDS),
    Promise(
        id="user-namespaces",
        title=_("User namespaces"),
        kept=_("A learner's own engine runs as an ordinary user of the host."),
        broken=_(
            "An ordinary user can't make the user namespace that a learner's own engine needs."
        ),
        change=_(
            "Set user.max_user_namespaces above 0 and, where they exist, "
            "kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0 "
            "(sysctl); load the module tun."
        ),
        required_by=frozenset({"docker"}),
    ),
    Promise(
        id="isolated-network",
        title=_("Isolated network"),
        kept=_("Machines of a lesson reach each other and no address of the host."),
        broken=_("Machines of a lesson reach the host by the network between them."),
        change=_(
            "Use Docker engine 20.10 or later with its bridge driver, and no rules of your "
            "own that forward from its bridges."
        ),
        required_by=ALL_KINDS,
    ),
    *(_egress_promise(kind) for kind in egress.KINDS),
    Promise(
        id="memory-limit",
        title=_("Memory limit"),
        kept=_("A machine that takes more memory than its limit loses the program, not the host."),
        broken=_("A machine can take all memory of the host."),
        change=_("Boot with cgroup_enable=memory swapaccount=1, or use a host with cgroup v2."),
        required_by=ALL_KINDS,
    ),
    Promise(
        id="process-limit",
        title=_("Process limit"),
        kept=_("A fork bomb ends at the machine's own limit."),
        broken=_("A fork bomb in one machine takes all process ids of the host."),
        change=_("Use a kernel with the pids cgroup controller (CONFIG_CGROUP_PIDS)."),
        required_by=ALL_KINDS,
    ),
    Promise(
        id="seccomp",
        title=_("Seccomp filter"),
        kept=_("System calls that a machine does not need are refused."),
        broken=_("Machines may use every system call of the host's kernel."),
        change=_(
            "Use a kernel with CONFIG_SECCOMP_FILTER and an engine that does not run with "
            "seccomp switched off. A runtime with a kernel of its own has no such filter: there "
            "the risk can be accepted."
        ),
        required_by=ALL_KINDS,
    ),
    Promise(
        id="cpu-limit",
        title=_("Processor limit"),
        kept=_("A busy machine keeps to its share of the processors."),
        broken=_("A busy machine slows all others."),
        change=_("Use a kernel with CONFIG_CFS_BANDWIDTH."),
        told_for=ALL_KINDS,
    ),
    Promise(
        id="mandatory-access",
        title=_("AppArmor or SELinux"),
        kept=_("A security module confines shells as a second wall."),
        broken=_("No security module confines shells: one wall less behind the others."),
        change=_("Install and enable AppArmor, or an engine with SELinux enabled."),
        told_for=frozenset({"shell", "vm"}),
    ),
    Promise(
        id="cgroup-delegation",
        title=_("Control group delegation"),
        kept=_("Limits that a learner sets on their own containers work: --memory, --cpus, stats."),
        broken=_(
            "In a learner's own engine --memory and --cpus are ignored and stats shows nothing."
        ),
        change=_(
            "Run the worker as root on the engine's host, or let it start helper containers "
            "with /sys/fs/cgroup writable."
        ),
        told_for=frozenset({"docker"}),
    ),
    Promise(
        id="storage-quota",
        title=_("Storage quota"),
        kept=_("The engine can hold a volume to a size."),
        broken=_(
            "The engine can't hold a volume to a size, so a learner's own engine can fill the disk."
        ),
        change=_("Keep the engine's data on XFS mounted with pquota, on a disk of its own."),
        told_for=frozenset({"docker"}),
    ),
    Promise(
        id="guests",
        title=_("Guests"),
        kept=_("QEMU runs in a machine that may do as little as a shell."),
        broken=_("QEMU does not run in a machine that may do as little as a shell."),
        change=_("Use a host with an x86-64 processor, and the engine's default seccomp profile."),
        required_by=frozenset({"vm"}),
    ),
    Promise(
        id="kvm",
        title=_("KVM"),
        kept=_("Virtual machines run on the processor itself."),
        broken=_("Virtual machines are emulated: real, but much slower."),
        change=_(
            "Use a host with hardware virtualisation (nested, if it is a virtual machine "
            "itself) and /dev/kvm."
        ),
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
    why = first.say("broken")
    if findings.get(first.id, NOT_FOUND_OUT).verdict == Verdict.UNKNOWN:
        found_out = gettext("Whether this host keeps “%(title)s” could not be found out.")
        why = found_out % {"title": first.say("title")}
    message = gettext("Machines of kind %(kind)s are off on this site. %(why)s")
    hint = gettext(
        "Text and quizzes work. Whoever runs this site: %(change)s Or accept the risk:"
        " SANDBOX_ACCEPT_RISK=%(ids)s. `manage.py sandboxreport` has the rest."
    )
    ids = ",".join(promise.id for promise in off)
    return KindOff(
        message % {"kind": kind, "why": why}, hint % {"change": first.say("change"), "ids": ids}
    )
