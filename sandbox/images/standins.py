"""The stand-in images: what a learner's engine offers where no registry answers.

Each is built from Debian packages, carries the tags that people type, behaves like its namesake in the lessons, and
says in the label `org.slipway.stand-in` what it really is.
"""

from dataclasses import dataclass

STAND_IN_LABEL = "org.slipway.stand-in"

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Layer:
    """A layer made by a bootstrap: what `packages` and `script` add to the tree of the layer `below`.

    With `subtree` the layer is that folder of the tree and nothing else, as a root of its own.
    """

    name: str
    packages: tuple[str, ...] = ()
    script: str = ""
    below: str = ""
    subtree: str = ""


@dataclass(frozen=True)
class StandIn:
    """One stand-in image: its tags, the layers it is made of (lowest first) and its configuration."""

    tags: tuple[str, ...]
    really: str
    layers: tuple[str, ...]
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    working_directory: str = ""
    stop_signal: str = ""


SUITE = "bookworm"  # the last Debian with Python 3.11

#: Bootstrapped layers, each after the one it stands on.
BOOTSTRAPPED: tuple[Layer, ...] = (
    Layer("debian", ("ca-certificates",), script="debian.sh"),
    Layer("python", ("python3", "python3-pip"), script="python.sh", below="debian"),
    Layer("nginx", ("nginx-light",), script="nginx.sh", below="debian"),
    Layer("redis", ("redis-server",), script="redis.sh", below="debian"),
    Layer("registry", ("docker-registry",), script="registry.sh", below="debian"),
    Layer("busybox", ("busybox",), script="busybox.sh", below="debian", subtree="stand-in"),
)

#: Layers that are files of this package: `standins/<name>/`, copied as they are.
FILES: tuple[str, ...] = ("alpine", "ubuntu")
#: The layer that is the small guest of a `vm` machine: the same files, as a container.
GUEST = "guest"
#: The layer with one compiled program.
HELLO = "hello-world"

STAND_INS: tuple[StandIn, ...] = (
    StandIn(
        tags=("debian:latest", "debian:12", "debian:bookworm", "debian:bookworm-slim"),
        really="Debian 12 minbase from Debian's packages",
        layers=("debian",),
        command=("bash",),
    ),
    StandIn(
        tags=("ubuntu:latest", "ubuntu:24.04", "ubuntu:22.04"),
        really="Debian 12 minbase under another name",
        layers=("debian", "ubuntu"),
        command=("/bin/bash",),
    ),
    StandIn(
        tags=("bash:latest", "bash:5"),
        really="Debian 12 minbase with its bash 5.2",
        layers=("debian",),
        command=("bash",),
    ),
    StandIn(
        tags=(
            "python:3.11-slim",
            "python:3.11",
            "python:3-slim",
            "python:3",
            "python:slim",
            "python:latest",
        ),
        really="Debian 12 with its Python 3.11 and pip, set up for the lesson's package index",
        layers=("debian", "python"),
        command=("python3",),
        environment=("LANG=C.UTF-8", "PYTHON_VERSION=3.11"),
    ),
    StandIn(
        tags=("nginx:alpine", "nginx:latest", "nginx:stable"),
        really="Debian 12 with its nginx-light",
        layers=("debian", "nginx"),
        command=("nginx", "-g", "daemon off;"),
        ports=(80,),
        stop_signal="SIGQUIT",
    ),
    StandIn(
        tags=("redis:latest", "redis:7", "redis:alpine", "redis:7-alpine"),
        really="Debian 12 with its redis-server 7.0",
        layers=("debian", "redis"),
        command=("redis-server", "--protected-mode", "no"),
        ports=(6379,),
        volumes=("/data",),
        working_directory="/data",
    ),
    StandIn(
        tags=("registry:2", "registry:latest"),
        really="Debian 12 with its docker-registry 2.8",
        layers=("debian", "registry"),
        entrypoint=("registry",),
        command=("serve", "/etc/docker/registry/config.yml"),
        ports=(5000,),
        volumes=("/var/lib/registry",),
    ),
    StandIn(
        tags=("busybox:latest", "busybox:1", "busybox:stable"),
        really="Debian 12's busybox with the C library it needs",
        layers=("busybox",),
        command=("sh",),
    ),
    StandIn(
        tags=("alpine:latest", "alpine:3", "alpine:3.20", "alpine:3.19"),
        really="Debian 12's busybox with the C library it needs; no apk",
        layers=("busybox", "alpine"),
        command=("/bin/sh",),
    ),
    StandIn(
        tags=("guest:small", "slipway/guest:small"),
        really="the files of the small guest that vm machines boot: busybox and bash of Debian 13",
        layers=(GUEST,),
        command=("bash", "-l"),
        environment=("HOME=/root", "TERM=xterm-256color"),
    ),
    StandIn(
        tags=("hello-world:latest",),
        really="a small static program of this project",
        layers=(HELLO,),
        command=("/hello",),
    ),
)


def seed_images() -> tuple[str, ...]:
    """Every tag that a docker machine has from the start; the names that a lesson's images.txt may list."""
    return tuple(tag for image in STAND_INS for tag in image.tags)


def image_config(image: StandIn) -> dict[str, object]:
    """The image's `config` object, in the words of the Docker image specification v1."""
    config: dict[str, object] = {
        "Env": [_PATH, *image.environment],
        "Labels": {STAND_IN_LABEL: image.really},
        "WorkingDir": image.working_directory,
    }
    if image.command:
        config["Cmd"] = list(image.command)
    if image.entrypoint:
        config["Entrypoint"] = list(image.entrypoint)
    if image.ports:
        config["ExposedPorts"] = {f"{port}/tcp": {} for port in image.ports}
    if image.volumes:
        config["Volumes"] = {volume: {} for volume in image.volumes}
    if image.stop_signal:
        config["StopSignal"] = image.stop_signal
    return config
