"""Whether a machine's control group can be handed to it, and then limits what is in it.

The same way as for a machine (`sandbox/delegation.py`), then the same steps as its engine:
a user namespace, the hierarchy mounted, a group made, a limit set and run into.
"""

from sandbox import engine
from sandbox.delegation import delegate_cgroup
from sandbox.errors import EngineDown, ImageMissing, SandboxEngineError
from sandbox.probes.containers import Said, body_of, broken, kept, read, unknown
from sandbox.promises import Finding

LIMIT_MIB = 16
SCRIPT = f"""
version=2; ! grep -q "[:,]memory[:,]" /proc/self/cgroup || version=1
echo "version=$version"
mkdir -p /tmp/groups
export version
# On v2 the delegation moves us into a group of our own; the namespace must begin there.
for ((tries = 250; tries > 0 && version == 2; tries--)); do
    ! grep -q "/learner$" /proc/self/cgroup || break; sleep 0.02
done
timeout 25 unshare --user --map-root-user --map-auto --mount --cgroup bash -c '
    if [ $version = 2 ]; then mount -t cgroup2 none /tmp/groups
    else mount -t cgroup -o memory none /tmp/groups; fi
    cd /tmp/groups
    for ((tries = 250; tries > 0; tries--)); do [ ! -O cgroup.procs ] || break; sleep 0.02; done
    [ -O cgroup.procs ] && echo "owned=yes" || {{ echo "owned=no"; exit; }}
    set -e
    if [ $version = 2 ]; then
        mkdir -p rest && for pid in $(<cgroup.procs); do echo $pid >rest/cgroup.procs; done
        echo +memory >cgroup.subtree_control
        mkdir small && echo {LIMIT_MIB}M >small/memory.max
    else
        mkdir small && echo {LIMIT_MIB}M >small/memory.limit_in_bytes
    fi
    (echo $BASHPID >small/cgroup.procs
    exec python3 -c "x = bytearray({4 * LIMIT_MIB} * 1024 * 1024)") && echo "limit=no" || echo "limit=$?"
' 2>&1
"""
KILLED = "137"


def control_groups() -> dict[str, Finding]:
    """Promise `cgroup-delegation`."""
    try:
        with engine.helper(body_of("docker", ["/bin/bash", "-c", SCRIPT])) as container_id:
            notice = delegate_cgroup(container_id)
            _status, output = engine.end_of(container_id)
    except (EngineDown, ImageMissing):
        raise
    except SandboxEngineError as error:
        return {"cgroup-delegation": unknown(error.message)}
    return {"cgroup-delegation": judge(notice, read(output))}


def judge(notice: str, said: Said) -> Finding:
    """From the notice of the delegation, and what the script said."""
    version = f"cgroup v{said.values.get('version', '?')}"
    if notice or said.values.get("owned") != "yes":
        return broken(f"{version}: the group was not handed over")
    if said.values.get("limit") != KILLED:
        why = said.rest or f"its limit of {LIMIT_MIB} MiB holds nobody"
        return broken(f"{version}: a group of one's own was made, but {why}")
    return kept(f"{version}: uid 1000 made a group whose limit of {LIMIT_MIB} MiB holds")
