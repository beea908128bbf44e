"""Whether a locked-down container can run QEMU, and a guest on the processor: `sandbox/kvm.py` in one."""

from pathlib import Path

from sandbox import kvm
from sandbox.probes.containers import Said, ask, body_of, broken, kept, unknown
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


# QEMU as machines start it, emulating, with a guest that stands still, until it is told to quit.
QEMU = """
echo '{"execute": "qmp_capabilities"} {"execute": "quit"}' | timeout 30 /usr/bin/qemu-system-x86_64 \
    -M microvm -accel tcg,tb-size=8 -m 16M -nodefaults -no-user-config -display none -S \
    -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny -qmp stdio 2>&1 |
    tail -n 1
echo "ended=${PIPESTATUS[1]}"
/usr/bin/qemu-system-x86_64 --version | sed -n '1s/.*version /version=/p'
"""


def guests() -> dict[str, Finding]:
    """Promise `guests`."""
    return {"guests": judge_qemu(ask(body_of("vm", ["/bin/bash", "-c", QEMU])))}


def judge_qemu(said: Said) -> Finding:
    """From QEMU's end, or the engine's refusal."""
    if said.refused or "ended" not in said.values:
        return unknown(said.refused or said.rest or "the probe said nothing")
    if said.values["ended"] != "0":
        return broken(f"QEMU ended with {said.values['ended']}: {said.rest}")
    return kept(f"QEMU {said.values.get('version', '')} started and ended when told")


def judge(said: Said) -> Finding:
    """From the one line that the probe prints, or the engine's refusal."""
    if kvm.DEVICE in said.refused:
        return broken(f"the host has no {kvm.DEVICE}")
    outcome, _, why = said.rest.partition(": ")
    if said.refused or outcome not in ("kvm", "tcg"):
        return unknown(said.refused or said.rest or "the probe said nothing")
    return kept(why) if outcome == "kvm" else broken(f"{kvm.DEVICE} is there, but: {why}")
