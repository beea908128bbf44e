"""How guests run on this host: on the processor (KVM) where that was seen to work, else emulated.

Learners must never take an emulated guest's figures for those of virtual machines as such, so
the reason goes with them, in words.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sandbox import engine, hosts
from sandbox.errors import SandboxEngineError
from sandbox.images import image_ref
from sandbox.kvm import DEVICE
from sandbox.promises import NOT_FOUND_OUT, Verdict

KVM, EMULATED = "kvm", "tcg"
SLOWER = (
    "QEMU translates each instruction of the guest, which takes many times as long as a"
    " processor that runs the guest itself."
)


@dataclass(frozen=True)
class Accelerator:
    """`name` is "kvm" or "tcg"; `reason` says why it is emulated, empty when it is not.

    `kvm_group`: the group that may use the host's KVM device, None where anybody may or none.
    """

    name: str
    reason: str = ""
    kvm_group: int | None = None


# Before any host was examined: emulation runs everywhere.
NONE = Accelerator(EMULATED, f"Emulated: this host was not examined yet. {SLOWER}")


def of_host() -> Accelerator:
    """What the latest examination of the host allows. Reads the database."""
    finding = hosts.findings_of(hosts.current()).get("kvm", NOT_FOUND_OUT)
    if finding.verdict == Verdict.KEPT:
        return Accelerator(KVM, "", _kvm_group())
    return Accelerator(EMULATED, reason_for(finding.verdict, finding.evidence))


def reason_for(verdict: str, evidence: str) -> str:
    """Why guests are emulated, for a learner."""
    if verdict == Verdict.UNKNOWN:
        why = "whether this host's processor can run guests itself was not found out"
    elif "has no" in evidence:
        why = "this host's processor does not run guests itself, or does not let us (no KVM)"
    else:
        why = "this host has KVM, but a trial guest did not run on its processor as it should"
    return f"Emulated: {why}. {SLOWER}"


@cache
def _kvm_group() -> int | None:
    """The device's group, asked of a container that has it: this process may be elsewhere."""
    device = {"PathOnHost": DEVICE, "PathInContainer": DEVICE, "CgroupPermissions": "rw"}
    body: dict[str, Any] = {
        "Image": image_ref("vm"),
        "Entrypoint": ["/usr/bin/stat", "-c", "%g", DEVICE],
        "HostConfig": {"NetworkMode": "none", "CapDrop": ["ALL"], "Devices": [device]},
    }
    try:
        _code, said = engine.run_helper(body)
    except SandboxEngineError:
        return None
    return int(said) if said.strip().isdigit() and int(said) != 0 else None
