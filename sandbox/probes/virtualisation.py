"""Whether a locked-down container can run a guest on the processor: `sandbox/kvm.py` in one."""

from pathlib import Path

from sandbox import kvm
from sandbox.probes.helpers import Said, ask, body_of, broken, kept, unknown
from sandbox.promises import Finding


def virtualisation() -> dict[str, Finding]:
    """Promise `kvm`."""
    source = Path(kvm.__file__).read_text(encoding="utf-8")
    device = {
        "PathOnHost": kvm.DEVICE,
        "PathInContainer": kvm.DEVICE,
        "CgroupPermissions": "rw",
    }
    body = body_of("shell", ["/usr/bin/python3", "-c", source], Devices=[device])
    # The device belongs to root and a group whose number differs from host to host.
    return {"kvm": judge(ask(body | {"User": "0:0"}))}


def judge(said: Said) -> Finding:
    """From the one line that the probe prints, or the engine's refusal."""
    if kvm.DEVICE in said.refused:
        return broken(f"the host has no {kvm.DEVICE}")
    outcome, _, why = said.rest.partition(": ")
    if said.refused or outcome not in ("kvm", "tcg"):
        return unknown(said.refused or said.rest or "the probe said nothing")
    return kept(why) if outcome == "kvm" else broken(f"{kvm.DEVICE} is there, but: {why}")
