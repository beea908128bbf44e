"""Whether the engine runs each kind's runtime: a container says it, names of files do not."""

from typing import Any

from django.conf import settings

from sandbox import engine
from sandbox.probes.containers import ask, broken, kept, labels
from sandbox.promises import Finding
from sandbox.specs import RUNNABLE_KINDS, limits_of


def runtimes() -> dict[str, Finding]:
    """Promises `runtime-<kind>`."""
    info = engine.info()
    return {f"runtime-{kind}": _runtime(kind, info) for kind in sorted(RUNNABLE_KINDS)}


def _runtime(kind: str, info: dict[str, Any]) -> Finding:
    limits = limits_of(kind)
    if not limits.runtime:
        return kept(f"the engine's default, {info.get('DefaultRuntime', 'unnamed')}")
    said = ask(
        {
            "Image": limits.image,
            "Entrypoint": ["/bin/bash", "-c", "echo ran=yes"],
            "User": "1000:1000",
            "Labels": labels(),
            "HostConfig": {
                "Runtime": limits.runtime,
                "CapDrop": ["ALL"],
                "NetworkMode": "none",
                "ReadonlyRootfs": True,
            },
        }
    )
    if said.values.get("ran") == "yes":
        return kept(f"{limits.runtime} ran a container")
    known = ", ".join(sorted(info.get("Runtimes") or {}))
    why = said.refused or said.rest or "its container said nothing"
    setting = (
        f"SANDBOX_RUNTIME_{kind.upper()}={getattr(settings, f'SANDBOX_RUNTIME_{kind.upper()}')}"
    )
    return broken(f"{setting}: {why}. The engine names: {known}.")
