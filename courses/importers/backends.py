"""The one table of what other platforms called an environment, and what stands for it here.

Every machine is of kind `docker`: imported scripts were written for root on a host with an
engine, and that kind is the only one where the learner is root (of a user namespace).
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from courses.schema import MAX_MACHINES, MachineKind

ONE: tuple[str, ...] = ("host01",)
TWO: tuple[str, ...] = ("host01", "host02")
KUBERNETES = "no kind of machine here runs Kubernetes"


@dataclass(frozen=True)
class Backend:
    """Names of an image elsewhere (`fnmatch` patterns), and its machines here.

    `missing` says what the machine lacks; without machines it says why the steps can't run.
    """

    patterns: tuple[str, ...]
    hosts: tuple[str, ...]
    missing: str = ""


BACKENDS: tuple[Backend, ...] = (
    Backend(("docker-swarm*", "swarm*", "docker*-2*", "ubuntu*-2nodes*"), TWO),
    Backend(("docker*", "moby*", "container*", "podman*"), ONE),
    Backend(("ubuntu*", "debian*", "linux*", "bash*", "shell*", "python*", "alpine*"), ONE),
    Backend(
        ("centos*", "fedora*", "rhel*", "coreos*", "rocky*", "amazonlinux*", "opensuse*"),
        ONE,
        "the machine is a Debian: other package managers and paths are not there",
    ),
    Backend(("node*", "javascript*"), ONE, "Node.js is not on the machine"),
    Backend(("go", "go:*", "golang*"), ONE, "Go is not on the machine"),
    Backend(("java*", "openjdk*", "jdk*", "maven*"), ONE, "Java is not on the machine"),
    Backend(("dotnet*",), ONE, ".NET is not on the machine"),
    Backend(("gcc*", "cpp*", "rust*", "ruby*", "php*"), ONE, "its compiler is not on the machine"),
    Backend(
        ("terraform*", "ansible*", "vault*", "consul*", "nomad*", "jenkins*", "cassandra*"),
        ONE,
        "the tool it is named after is not on the machine",
    ),
    Backend(
        ("kubernetes*", "k8s*", "k3s*", "minikube*", "kind*", "microk8s*", "istio*", "rancher*"),
        (),
        KUBERNETES,
    ),
    Backend(("openshift*", "okd*", "crc*"), (), "no kind of machine here runs OpenShift"),
    Backend(("windows*", "win*", "mssql*"), (), "no kind of machine here runs Windows"),
)

#: What surrounded the terminal elsewhere, and what is different here ("" for nothing).
LAYOUTS: dict[str, str] = {
    "": "",
    "terminal": "",
    "terminal-iframe": "",
    "iframe-terminal": "",
    "terminal-iframe-bottom": "",
    "terminal-terminal": "the second terminal is not opened by itself",
    "terminal-terminal-terminal": "the other terminals are not opened by themselves",
    "editor-terminal": "the editor is not opened by itself",
    "editor-terminal-iframe": "the editor is not opened by itself",
    "terminal-editor": "the editor is not opened by itself",
    "ide": "the editor is not opened by itself",
    "notebook": "there are no notebooks here",
}


@dataclass(frozen=True)
class Environment:
    """The machines of a lesson; `loss` and `blocker` are reasons for the report, or ""."""

    machines: dict[str, MachineKind]
    loss: str = ""
    blocker: str = ""


def environment_of(image: str) -> Environment:
    """What stands for an `imageid`; an unknown one gives no machine and a blocker."""
    name = image.strip().lower()
    if not name:
        return Environment({}, blocker="the scenario names no backend image")
    for row in BACKENDS:
        if any(fnmatchcase(name, pattern) for pattern in row.patterns):
            if not row.hosts:
                return Environment({}, blocker=row.missing)
            return Environment(dict.fromkeys(row.hosts, "docker"), loss=row.missing)
    return Environment({}, blocker=f"the backend image “{name[:60]}” is unknown")


def nodes(terms: int) -> Environment:
    """The `node1`, `node2`, … of a post with so many terminals."""
    names = [f"node{number}" for number in range(1, min(terms, MAX_MACHINES) + 1)]
    loss = f"{terms} terminals, of which {MAX_MACHINES} are kept" if terms > MAX_MACHINES else ""
    return Environment(dict.fromkeys(names, "docker"), loss=loss)
