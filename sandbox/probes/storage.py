"""Whether the engine holds a volume to a size: one of 16 MiB is asked for and overfilled."""

from typing import Any

from sandbox import engine
from sandbox.errors import EngineDown, SandboxEngineError
from sandbox.probes.containers import ask, body_of, broken, kept, labels, object_name, unknown
from sandbox.promises import Finding

SIZE_MIB = 16
FILL = f"""
echo first >/probe/first || exit
head -c {2 * SIZE_MIB}M /dev/zero >/probe/fill && echo held=no || echo held=yes
"""


def storage() -> dict[str, Finding]:
    """Promise `storage-quota`."""
    where = data_root(engine.info())
    name = object_name()
    try:
        engine.create_volume(name, labels(), {"size": f"{SIZE_MIB}m"})
    except EngineDown:
        raise
    except SandboxEngineError as error:
        return {"storage-quota": broken(f"{where}: {error.message.rpartition(': ')[2]}")}
    try:
        return {"storage-quota": _fill(name, where)}
    finally:
        engine.remove_object("volume", name)


def _fill(volume: str, where: str) -> Finding:
    mount = {"Type": "volume", "Source": volume, "Target": "/probe"}
    # The volume's top folder is root's.
    body = body_of("shell", ["/bin/bash", "-c", FILL], Mounts=[mount]) | {"User": "0:0"}
    said = ask(body)
    if said.values.get("held") == "yes":
        return kept(f"{where}: a volume of {SIZE_MIB} MiB takes no more")
    if said.values.get("held") == "no":
        return broken(f"{where}: a volume of {SIZE_MIB} MiB took {2 * SIZE_MIB} MiB")
    return unknown(said.refused or said.rest)


def data_root(info: dict[str, Any]) -> str:
    """Storage driver and the file system below it, in words."""
    status = dict(pair for pair in info.get("DriverStatus") or [] if len(pair) == 2)
    below = status.get("Backing Filesystem", "")
    return f"{info.get('Driver', 'unknown driver')}{f' on {below}' if below else ''}"
