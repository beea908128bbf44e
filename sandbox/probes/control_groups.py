"""Whether a machine's control group can be handed to it, and then limits what is in it.

The same way as for a machine (`sandbox/delegation.py`), then the same steps as its engine:
a user namespace, the hierarchy mounted, a group made, a limit set and run into.
"""

from sandbox import engine
from sandbox.delegation import delegate_cgroup
from sandbox.errors import EngineDown, ImageMissing, SandboxEngineError
from sandbox.probes.helpers import Said, body_of, broken, kept, read, unknown
from sandbox.promises import Finding

LIMIT_MIB = 16
SCRIPT = f"""
own=/sys/fs/cgroup/cgroup.procs version=2
[ -e $own ] || own=/sys/fs/cgroup/memory/cgroup.procs version=1
for ((tries = 250; tries > 0; tries--)); do [ ! -O $own ] || break; sleep 0.02; done
echo "version=$version"
[ -O $own ] && echo "owned=yes" || {{ echo "owned=no"; exit; }}
mkdir -p /tmp/groups
export version
timeout 20 unshare --user --map-root-user --map-auto --mount --cgroup bash -ec '
    cd /tmp/groups
    if [ $version = 2 ]; then
        mount -t cgroup2 none . && cd .
        mkdir -p rest && for pid in $(<cgroup.procs); do echo $pid >rest/cgroup.procs; done
        echo +memory >cgroup.subtree_control
        mkdir small && echo {LIMIT_MIB}M >small/memory.max
    else
        mount -t cgroup -o memory none . && cd .
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
