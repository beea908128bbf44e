"""The `.env` beside the compose file: made once, completed later, never overwritten."""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_SOCKET = "/var/run/docker.sock"


def read(path: Path) -> dict[str, str]:
    """The variables of an env file, {} when there is none."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def complete(path: Path, wanted: dict[str, str]) -> list[str]:
    """Append the variables that the file lacks; return their names.

    What the file has stays as it is: a password that changed would lock the database out.
    """
    known = read(path)
    missing = {name: value for name, value in wanted.items() if name not in known}
    if missing:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text and not text.endswith("\n"):
            text += "\n"
        write(path, text + "".join(f"{name}={value}\n" for name, value in missing.items()))
    return list(missing)


def replace(path: Path, values: dict[str, str]) -> None:
    """Set these variables, whatever the file said of them."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if line.partition("=")[0].strip() not in values]
    write(path, "\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]) + "\n")


def write(path: Path, text: str) -> None:
    """Write the file whole, readable by its owner only: it holds secrets."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    scratch.replace(path)


def first_values() -> dict[str, str]:
    """What a new installation begins with: its secrets, and the engine's socket."""
    socket = engine_socket()
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "SLIPWAY_INSTANCE": secrets.token_hex(4),
        "DOCKER_SOCKET": socket,
        # The group that may open the socket differs from host to host.
        "DOCKER_GID": str(os.stat(socket).st_gid),
    }


def engine_socket() -> str:
    """Path of the engine's socket on this host. Raises ValueError for an engine elsewhere."""
    address = urlsplit(os.environ.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}")
    if address.scheme != "unix":
        raise ValueError("DOCKER_HOST is no unix socket: run this on the engine's own host.")
    return address.path
