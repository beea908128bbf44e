"""Helper containers that are built as a kind's machines are, and run a script instead."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from sandbox import engine, hostconfig
from sandbox.errors import EngineDown, ImageMissing, SandboxEngineError
from sandbox.promises import Finding, Verdict

HELPER_LABEL = "slipway.helper"
HELPER = "probe"
EVIDENCE_CHARACTERS = 300


def kept(evidence: str) -> Finding:
    return Finding(Verdict.KEPT, _one_line(evidence))


def broken(evidence: str) -> Finding:
    return Finding(Verdict.BROKEN, _one_line(evidence))


def unknown(evidence: str) -> Finding:
    return Finding(Verdict.UNKNOWN, _one_line(evidence))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:EVIDENCE_CHARACTERS]


def labels() -> dict[str, str]:
    """Labels of everything a probe makes; no sandbox's, so that none takes it for its own."""
    return {"slipway.instance": settings.SLIPWAY_INSTANCE, HELPER_LABEL: HELPER}


def object_name() -> str:
    """A name for a network or volume, new each time: two examinations share nothing."""
    return f"slipway-{settings.SLIPWAY_INSTANCE}-{HELPER}-{secrets.token_hex(4)}"


def body_of(
    kind: str, command: list[str], *, network: str | None = None, **host_config: Any
) -> dict[str, Any]:
    """A create call like a machine's of `kind`, running `command` with plain output.

    Its volumes are left out: no probe needs the seed. `host_config` wins over the kind's.
    """
    body = hostconfig.container_body(kind, HELPER, labels(), network=network, data_volume="")
    body |= {"Entrypoint": command, "Cmd": [], "Tty": False, "OpenStdin": False}
    body["HostConfig"].pop("Mounts", None)
    body["HostConfig"] |= host_config
    return body


@dataclass(frozen=True)
class Said:
    """What a helper's script printed as `name=value` lines.

    `refused`: why the engine did not run it, empty when it did; `rest`: all other lines.
    """

    values: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    rest: str = ""


def ask(body: dict[str, Any]) -> Said:
    """Run a helper to its end. Raises EngineDown and ImageMissing, which say nothing of it."""
    try:
        _status, output = engine.run_helper(body)
    except (EngineDown, ImageMissing):
        raise
    except SandboxEngineError as error:
        return Said(refused=error.message)
    return read(output)


def read(output: str) -> Said:
    """Split a script's output into its `name=value` lines and the rest."""
    values: dict[str, str] = {}
    rest: list[str] = []
    for line in output.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.isidentifier():
            values[name] = value.strip()
        else:
            rest.append(line)
    return Said(values, rest=" ".join(rest))
