"""The Docker engine, through its SDK. The only module that imports `docker`.

Each function is one engine operation, called from worker threads (never from the event
loop). Cleaning up treats "already gone" as done; creating treats "already there" as
adoption, because a second worker may run the same creation again.
Source: Docker Engine API reference, v1.41 (the oldest engine supported).
"""

import io
import logging
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import docker
import docker.errors
import requests
from django.conf import settings
from docker.transport import UnixHTTPAdapter

from sandbox.clients import Clients
from sandbox.errors import EngineDown, ImageMissing, MachineDied, SandboxEngineError

log = logging.getLogger(__name__)
CALL_TIMEOUT_SECONDS = 60
# Whether the engine's storage can bound a volume (XFS or ext4 with project quotas); found out
# by the first volume that is made.
_has_quota = True


def _make_client(address: str) -> docker.APIClient:
    client = docker.APIClient(base_url=address, version="auto", timeout=CALL_TIMEOUT_SECONDS)
    if address.startswith("unix://"):
        # The SDK keeps a pool, and in it an open connection, for each of the latest 25 paths that
        # it asked for, and nearly every container has a path of its own. One is enough; its own
        # setting, num_pools, does nothing for Unix sockets.
        client.get_adapter(client.base_url).close()
        one = UnixHTTPAdapter(f"http+{address}", CALL_TIMEOUT_SECONDS, pool_connections=1)
        client.mount("http+docker://", one)
    return client


_clients = Clients(_make_client)


@contextmanager
def _translated(what: str, refusal_level: int = logging.ERROR) -> Iterator[docker.APIClient]:
    """Run an SDK call; its errors become ours, with the engine's words in the log.

    `refusal_level`: how loud the log is about an engine that says no. Probes ask to know.
    """
    if not settings.SANDBOX_ENGINE_ACCESS:
        raise SandboxEngineError(f"This process may not reach the engine ({what}).")
    answer: docker.errors.APIError | None = None
    try:
        with _clients.lent(settings.DOCKER_HOST) as api:
            try:
                yield api
            except docker.errors.APIError as error:
                answer = error  # the engine's own word: the connection is as good as before
        if answer is not None:
            raise answer
    except docker.errors.ImageNotFound as error:
        log.error("%s: %s", what, error)
        raise ImageMissing from error
    except docker.errors.NotFound as error:
        raise MachineDied(hint=None) from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        if isinstance(error, docker.errors.APIError):
            log.log(refusal_level, "%s: %s", what, error)
            raise SandboxEngineError(f"The engine refused: {error.explanation}") from error
        _clients.forget(settings.DOCKER_HOST)
        log.warning("%s: %s", what, error)
        raise EngineDown from error


def info() -> dict[str, Any]:
    """The engine's own description (`docker info`). Raises EngineDown."""
    with _translated("info") as api:
        return api.info()


def image_exists(ref: str) -> bool:
    """Whether the engine has the image. Raises EngineDown."""
    return _exists(lambda api: api.inspect_image(ref), f"image {ref}")


def image_id(ref: str) -> str:
    """The image's own id, 64 hex digits. Raises ImageMissing, EngineDown."""
    with _translated(f"image {ref}") as api:
        found = cast(dict[str, Any], api.inspect_image(ref))  # type: ignore[no-untyped-call]
        return str(found["Id"]).removeprefix("sha256:")


def volume_exists(name: str) -> bool:
    """Whether the engine has the volume. Raises EngineDown."""
    return _exists(lambda api: api.inspect_volume(name), f"volume {name}")


def _exists(inspect: Any, what: str) -> bool:
    with _translated(what) as api:
        try:
            inspect(api)
        except docker.errors.NotFound:
            return False
        return True


def create_container(name: str, body: dict[str, Any]) -> str:
    """Create a container from an API body, or adopt the one of that name; return its id."""
    with _translated(f"create {name}") as api:
        try:
            return _create(api, body, name)
        except docker.errors.APIError as error:
            if error.status_code != 409:
                raise
            return cast(str, api.inspect_container(name)["Id"])


def _create(api: docker.APIClient, body: dict[str, Any], name: str | None) -> str:
    made = api.create_container_from_config(body, name)  # type: ignore[no-untyped-call]
    return cast(str, made["Id"])


def start_container(container_id: str) -> None:
    """Start a container; one that runs already is left alone (the engine answers 304)."""
    with _translated(f"start {container_id[:12]}") as api:
        api.start(container_id)


def inspect_container(container_id: str) -> dict[str, Any] | None:
    """What the engine knows of a container, None when it has none of that id or name."""
    with _translated(f"inspect {container_id[:40]}") as api:
        try:
            return cast(dict[str, Any], api.inspect_container(container_id))
        except docker.errors.NotFound:
            return None


def run_helper(body: dict[str, Any]) -> tuple[int, str]:
    """Run a short-lived container to its end, remove it; return exit code and output."""
    with helper(body) as container_id:
        return end_of(container_id)


@contextmanager
def helper(body: dict[str, Any]) -> Iterator[str]:
    """A short-lived container that runs while the block does; yields its id."""
    with _translated("helper", logging.DEBUG) as api:
        container_id = _create(api, body, None)
    try:
        with _translated("start helper", logging.DEBUG) as api:
            api.start(container_id)
        yield container_id
    finally:
        remove_object("container", container_id)


def end_of(container_id: str, timeout_seconds: int = CALL_TIMEOUT_SECONDS) -> tuple[int, str]:
    """Wait for a container to end; return exit code and output."""
    with _translated(f"wait for {container_id[:12]}") as api:
        status = api.wait(container_id, timeout=timeout_seconds)["StatusCode"]
    return status, output_of(container_id)


def output_of(container_id: str) -> str:
    """What a container without a terminal has written so far, errors included."""
    with _translated(f"output of {container_id[:12]}") as api:
        return api.logs(container_id).decode(errors="replace")


def create_volume(name: str, labels: dict[str, str], options: dict[str, str] | None = None) -> None:
    """Create a volume; the engine answers the same for one that exists.

    `options` are the local driver's, such as `{"size": "64m"}`, which it refuses where the
    file system has no quota.
    """
    with _translated(f"volume {name}", logging.DEBUG if options else logging.ERROR) as api:
        api.create_volume(name, labels=labels, driver_opts=options or {})


def create_bounded_volume(name: str, labels: dict[str, str], size_bytes: int) -> dict[str, str]:
    """Create a volume, bounded where the engine's storage can; return the labels it has.

    The engine answers the same for one that exists, and keeps that one's labels.
    """
    global _has_quota
    with _translated(f"volume {name}") as api:
        if _has_quota:
            try:
                options = {"size": str(size_bytes)}
                made = api.create_volume(name, driver_opts=options, labels=labels)
                return made["Labels"] or {}
            except docker.errors.APIError as error:
                if "quota" not in str(error.explanation):
                    raise
                log.info("volumes can't be bounded by the engine here: %s", error.explanation)
                _has_quota = False
        return api.create_volume(name, labels=labels)["Labels"] or {}


def write_files(container_id: str, files: dict[str, bytes]) -> None:
    """Write small files, root's and readable by all, into a container; paths from its root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    with _translated(f"write into {container_id[:12]}") as api:
        api.put_archive(container_id, "/", buffer.getvalue())


def create_network(name: str, labels: dict[str, str]) -> str:
    """Create a bridge that leads nowhere but to its members, or adopt it; return its id.

    Without an address on the bridge (`inhibit_ipv4`) members reach no port of the host, as
    they would by the gateway of a plain internal network. Engines from 28 on have a mode
    for it and refuse the old option together with it.
    """
    with _translated(f"network {name}") as api:
        for network in api.networks(names=[name]):
            if network["Name"] == name:
                return cast(str, network["Id"])
        options = {"com.docker.network.bridge.inhibit_ipv4": "true"}
        if int(api.version()["Version"].split(".")[0]) >= 28:
            options = {"com.docker.network.bridge.gateway_mode_ipv4": "isolated"}
        made = api.create_network(
            name,
            driver="bridge",
            internal=True,
            labels=labels,
            options=options,
            check_duplicate=True,
        )
        return made["Id"]


def network_options(network_id: str) -> dict[str, str]:
    """The options that a network has, as the engine says."""
    with _translated(f"look at network {network_id[:12]}") as api:
        return api.inspect_network(network_id)["Options"] or {}


def objects_labelled(label: str) -> list[tuple[str, str, str, dict[str, str]]]:
    """Everything that carries `label`: (container|volume|network, id, name, labels)."""
    with _translated(f"list {label}") as api:
        containers = api.containers(all=True, filters={"label": label})
        volumes = api.volumes(filters={"label": label})["Volumes"] or []
        networks = api.networks(filters={"label": label})
    return [
        *(("container", c["Id"], c["Names"][0][1:], c["Labels"]) for c in containers),
        *(("volume", v["Name"], v["Name"], v["Labels"]) for v in volumes),
        *(("network", n["Id"], n["Name"], n["Labels"]) for n in networks),
    ]


def remove_object(what: str, engine_id: str) -> None:
    """Remove a container (killing it), volume or network; one that is gone is done."""
    removals = {
        "container": lambda api: api.remove_container(engine_id, force=True, v=True),
        "volume": lambda api: api.remove_volume(engine_id, force=True),
        "network": lambda api: api.remove_network(engine_id),
    }
    with _translated(f"remove {what} {engine_id[:40]}") as api:
        try:
            removals[what](api)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            # "removal of container … is already in progress": another worker is at it.
            if error.status_code != 409 or "in progress" not in str(error.explanation):
                raise
