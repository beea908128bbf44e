"""A range of the host's user ids for each `docker` machine, so that no two have one in common.

A range is held by the machine's data volume: the volume's name carries the range's number,
names are unique on an engine, and the engine hands the volume to whoever asks first. So
nothing has to be locked or counted, two installations on one engine keep apart, and the
range is free again when the volume is gone, which it can't be while its machine exists.
Source: user_namespaces(7), newuidmap(1), subuid(5).
"""

import hashlib

from sandbox import engine
from sandbox.errors import SandboxEngineError

FIRST_UID = 100_000
RANGE_UIDS = 65_536
# Up to 2**31: programs exist that take larger ids for negative ones.
RANGES = (2**31 - FIRST_UID) // RANGE_UIDS
VOLUME_PREFIX = "slipway-data-"
OWNER_LABEL = "slipway.uids"
ATTEMPTS = 500


def reserve_volume(owner: str, labels: dict[str, str], size_bytes: int) -> str:
    """Make the data volume of the machine `owner`; return its name, which holds the range.

    `owner` is unique on the engine (the container's name); a second call finds the same
    volume. Raises SandboxEngineError, also when hundreds of ranges in a row are taken.
    """
    begin = int.from_bytes(hashlib.sha256(owner.encode()).digest()[:8])
    for step in range(ATTEMPTS):
        name = f"{VOLUME_PREFIX}{(begin + step) % RANGES}"
        held = engine.create_bounded_volume(name, labels | {OWNER_LABEL: owner}, size_bytes)
        # An older volume comes back as it is: somebody else's, unless we made it before.
        if held.get(OWNER_LABEL) == owner:
            return name
    raise SandboxEngineError("No range of user ids is free on this engine.")


def first_uid(volume: str) -> int:
    """The first of the 65536 user and group ids that the machine of a data volume may use."""
    return FIRST_UID + int(volume.removeprefix(VOLUME_PREFIX)) * RANGE_UIDS


def write_range(container_id: str, target: str) -> None:
    """Tell a container that was created, and not yet started, its range.

    It is read from what the container really mounts at `target`, which for one that
    another worker made may be a volume other than ours.
    """
    found = engine.inspect_container(container_id) or {}
    mounted = [m["Name"] for m in found.get("Mounts", []) if m["Destination"] == target]
    if not mounted:
        raise SandboxEngineError("A machine was created without its data volume.")
    line = f"learner:{first_uid(mounted[0])}:{RANGE_UIDS}\n".encode()
    engine.write_files(container_id, {"etc/subuid": line, "etc/subgid": line})
