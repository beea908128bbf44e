"""What a sandbox is made of, and what each kind of machine may use.

A lesson names kinds; the operator's settings map a kind to image, limits and runtime.
Nothing an author or a learner writes reaches the engine as an option.
"""

import os
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.images import image_ref

# A guest that boots wants a processor of its own. More of them at once would all be slow, and the
# last no sooner there.
BOOTS_AT_ONCE = os.cpu_count() or 1

Kind = Literal["shell", "docker", "vm"]
# Sizes of a guest, by name; what is behind them is the machine image's business.
GuestSize = Literal["small", "full"]
Login = Literal["auto", "prompt"]
MACHINE_NAME = r"^[a-z][a-z0-9-]{0,30}$"
# Kinds that this version can run; a lesson with another kind shows its text only.
RUNNABLE_KINDS: frozenset[str] = frozenset({"shell", "docker", "vm"})


class MachineSpec(BaseModel):
    """One machine of a lesson.

    `setup`: text of a script run as root before the learner gets the machine.
    `files_from`: folder whose content is copied onto the machine, modes kept.
    `images`: names that must be in the machine's own engine.
    `guest` and `login` are for kind `vm` and say nothing elsewhere: which guest it runs, and
    whether its terminal opens at a shell ("auto") or at the login prompt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=MACHINE_NAME)
    kind: Kind
    setup: str | None = None
    files_from: str | None = None
    images: tuple[str, ...] = ()
    guest: GuestSize = "small"
    login: Login = "auto"

    @property
    def is_plain(self) -> bool:
        """Whether any machine of its kind and name will do: what the warm pool makes."""
        return self.guest == "small" and self.login == "auto"


class PreviewSpec(BaseModel):
    """A port of a machine that the lesson offers as a tab."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: str
    port: int = Field(ge=1, le=65535)
    title: str = Field(max_length=80)


class SandboxSpec(BaseModel):
    """All machines of one lesson; `isolated` lets them see each other by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machines: tuple[MachineSpec, ...] = Field(min_length=1, max_length=6)
    network: Literal["isolated", "none"] = "isolated"
    previews: tuple[PreviewSpec, ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> "SandboxSpec":
        names = [machine.name for machine in self.machines]
        if len(set(names)) != len(names):
            raise ValueError("two machines have the same name")
        if unknown := {p.machine for p in self.previews} - set(names):
            raise ValueError(f"preview of an unknown machine: {', '.join(sorted(unknown))}")
        return self

    @property
    def needs_network(self) -> bool:
        """A machine alone has nobody to talk to; without a network it starts faster."""
        talking = [machine for machine in self.machines if machine.kind != "vm"]
        return self.network == "isolated" and len(talking) > 1


@dataclass(frozen=True)
class KindLimits:
    """What one machine of a kind may use. `memory_bytes` bounds memory and swap together.

    `disk_bytes` is 0 for a kind that has nothing on disk.
    """

    image: str
    memory_bytes: int
    cpus: float
    pids: int
    disk_bytes: int
    runtime: str


def limits_of(kind: str) -> KindLimits:
    """The operator's limits for a kind that can run here.

    Raises KeyError for a kind outside RUNNABLE_KINDS.
    """
    if kind not in RUNNABLE_KINDS:
        raise KeyError(kind)
    name = kind.upper()
    return KindLimits(
        image=image_ref(kind),
        memory_bytes=getattr(settings, f"SANDBOX_{name}_MEMORY_MIB") * 1024 * 1024,
        cpus=getattr(settings, f"SANDBOX_{name}_CPUS"),
        pids=getattr(settings, f"SANDBOX_{name}_PIDS"),
        disk_bytes=getattr(settings, f"SANDBOX_{name}_DISK_MIB", 0) * 1024 * 1024,
        runtime=getattr(settings, f"SANDBOX_RUNTIME_{name}"),
    )


def memory_of(spec: SandboxSpec) -> int:
    """Bytes that the machines of a sandbox may use together."""
    return sum(limits_of(machine.kind).memory_bytes for machine in spec.machines)
