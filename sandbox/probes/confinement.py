"""Seccomp, the security module and user namespaces, seen from inside each kind."""

from sandbox.probes.containers import Said, ask, body_of, broken, kept, unknown
from sandbox.promises import Finding
from sandbox.specs import RUNNABLE_KINDS

FILTERED = "2"  # SECCOMP_MODE_FILTER, as /proc/PID/status says it
# The shell's profile has no call that makes namespaces; a filter that does nothing has.
LOOK = """
while read -r name value; do [ "$name" != Seccomp: ] || echo "seccomp=$value"; done </proc/self/status
echo "confined=$(tr -d '\\0' 2>/dev/null </proc/self/attr/current)"
unshare --user true 2>/dev/null && echo "unshare=yes" || echo "unshare=no"
"""
# What rootlesskit and the engine inside do first: maps for 65536 ids, mounts, a network.
NAMESPACES = """
for name in kernel/unprivileged_userns_clone user/max_user_namespaces \
    kernel/apparmor_restrict_unprivileged_userns; do
    [ ! -r "/proc/sys/$name" ] || echo "${name##*/}=$(<"/proc/sys/$name")"
done
(exec 3<>/dev/net/tun) 2>/dev/null && echo "tun=yes" || echo "tun=no"
mkdir -p /tmp/probe
timeout 20 unshare --user --map-root-user --map-auto --mount --net --pid --fork bash -c '
    while read -r first _ count; do ids=$((ids + count)); done </proc/self/uid_map
    mount -t tmpfs none /tmp/probe && mount -t proc proc /tmp/probe && echo "ids=$ids"' 2>&1
"""
ENOUGH_IDS = 65536


def filters() -> dict[str, Finding]:
    """Promises `seccomp` and `mandatory-access`."""
    said = {kind: ask(body_of(kind, ["/bin/bash", "-c", LOOK])) for kind in sorted(RUNNABLE_KINDS)}
    return {"seccomp": judge_seccomp(said), "mandatory-access": judge_module(said["shell"])}


def judge_seccomp(said: dict[str, Said]) -> Finding:
    """From what each kind's look said."""
    modes = ", ".join(
        f"{kind}: {look.refused or 'mode ' + look.values.get('seccomp', '?')}"
        for kind, look in said.items()
    )
    if any("seccomp" in look.refused for look in said.values()):
        return broken(modes)
    if any(look.refused or not look.values for look in said.values()):
        return unknown(modes)
    if any(look.values.get("seccomp") != FILTERED for look in said.values()):
        return broken(f"{modes} (2 is a filter)")
    if said["shell"].values.get("unshare") != "no":
        return broken(f"{modes}, yet a shell may make namespaces")
    return kept(f"{modes} (a filter); unshare is refused in a shell")


def judge_module(look: Said) -> Finding:
    """From what the shell's look said."""
    if look.refused or "confined" not in look.values:
        return unknown(look.refused or look.rest)
    label = look.values["confined"]
    if label in ("", "unconfined", "kernel"):
        return broken("no security module confines a shell")
    return kept(f"a shell runs as {label}")


def user_namespaces() -> dict[str, Finding]:
    """Promise `user-namespaces`."""
    said = ask(body_of("docker", ["/bin/bash", "-c", NAMESPACES]))
    return {"user-namespaces": judge_namespaces(said)}


def judge_namespaces(said: Said) -> Finding:
    """From what the script in a `docker` machine said."""
    if "/dev/net/tun" in said.refused:
        return broken(f"no /dev/net/tun: {said.refused}")
    if said.refused:
        return unknown(said.refused)
    switches = "unprivileged_userns_clone max_user_namespaces apparmor_restrict_unprivileged_userns"
    seen = [f"{name}={said.values[name]}" for name in switches.split() if name in said.values]
    ids = int(said.values.get("ids", 0))
    if ids < ENOUGH_IDS:
        why = said.rest or (f"{ids} ids" if ids else "unshare with newuidmap failed")
        return broken(f"{why} ({', '.join(seen)})")
    if said.values.get("tun") != "yes":
        return broken("an ordinary user can't open /dev/net/tun")
    return kept(f"uid 1000 made one with {ids} ids and mounted /proc in it ({', '.join(seen)})")
