"""A Debian root file system as a tar file, by mmdebstrap, from the host's own mirrors.

Nothing of the host stays in it: its mirrors, proxies and certificates are used during the bootstrap only, and the
last hook removes every trace (see `rootfs-clean.sh`).
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.images.apt_sources import NEUTRAL_SOURCES, derive_mirrors, host_sources, sources_for
from sandbox.images.definitions import EXCLUDED_PATHS, INCLUDED_PATHS, REQUIRED_APT_PACKAGES
from sandbox.images.stages import BuildError

_HERE = Path(__file__).parent
#: File times in the trees: with a fixed one, two bootstraps of the same packages differ in nothing but content.
SOURCE_DATE_EPOCH = "1700000000"

_running: set[subprocess.Popen[bytes]] = set()

#: What of the host's apt configuration a download may depend on.
_HOST_APT_SETTINGS = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::https::CAInfo",
    "Acquire::Retries",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)


@dataclass(frozen=True)
class Bootstrap:
    """One call of mmdebstrap. `overlay` is copied over the finished tree, then `script` runs with it as $1.

    With `base` (the tar of an earlier bootstrap of the same suite) only `packages` are added to that tree: a quarter
    of the time. With `unpack_only` packages and what they depend on are unpacked and nothing is configured.
    """

    name: str
    suite: str
    packages: tuple[str, ...]
    overlay: Path | None = None
    script: Path | None = None
    base: Path | None = None
    unpack_only: bool = False


def check_host() -> None:
    """Raise BuildError naming what this host lacks for a bootstrap."""
    if os.geteuid() != 0:
        raise BuildError("building machine images needs root", "run it with sudo")
    missing = [name for name in REQUIRED_APT_PACKAGES if not _is_installed(name)]
    if missing:
        names = " ".join(missing)
        raise BuildError(
            f"missing packages: {names}", f"apt-get install --no-install-recommends {names}"
        )


def bootstrap(request: Bootstrap, work: Path, cache: Path) -> Path:
    """Make the tree of `request` and return the tar file, under `work`. Packages are kept in `cache` for next time."""
    tar = work / f"{request.name}.tar"
    debs = cache / "debs" / request.suite
    fresh = work / f"{request.name}-debs"
    for folder in (debs, fresh):
        folder.mkdir(parents=True, exist_ok=True)
    sources = work / f"{request.name}.list"
    sources.write_text(sources_for(request.suite, derive_mirrors(host_sources())))
    neutral = work / f"{request.name}.neutral.list"
    neutral.write_text(NEUTRAL_SOURCES)
    # /run is kept: the docker machine's holds folders of the learner. The other three make the package cache work.
    skipped = "check/empty,download/empty,essential/unlink,cleanup/run"
    variant = "custom" if request.base else "extract" if request.unpack_only else "minbase"
    command = ["mmdebstrap", "--mode=root", f"--variant={variant}", f"--skip={skipped}"]
    command += ["--include=" + ",".join(request.packages)] if request.packages else []
    command += [f"--dpkgopt=path-exclude={path}" for path in EXCLUDED_PATHS]
    command += [f"--dpkgopt=path-include={path}" for path in INCLUDED_PATHS]
    command += ['--aptopt=APT::Install-Recommends "false"', *_host_apt_options()]
    command += _hooks(request, debs, fresh, neutral)
    command += [request.suite, str(tar), str(sources)]
    _run(command, work, work / f"{request.name}.log")
    _keep(fresh, debs)
    return tar


def stop_running() -> None:
    """End bootstraps of other threads, after an error or a signal. mmdebstrap cleans up after itself."""
    for process in tuple(_running):
        process.terminate()


def _hooks(request: Bootstrap, debs: Path, fresh: Path, neutral: Path) -> list[str]:
    clean = shlex.quote(str(_HERE / "rootfs-clean.sh"))
    cached = shlex.quote(str(_HERE / "rootfs-cache.sh"))
    folders = f'"$1" {shlex.quote(str(debs))} {shlex.quote(str(fresh))}'
    hooks = (
        [f'--setup-hook=tar -x -f {shlex.quote(str(request.base))} -C "$1"'] if request.base else []
    )
    hooks += [
        f"--setup-hook=sh -eu {cached} restore {folders}",
        f"--customize-hook=sh -eu {cached} save {folders}",
    ]
    if request.overlay:
        source = shlex.quote(str(request.overlay))
        hooks.append(f'--customize-hook=cp -a --no-preserve=ownership {source}/. "$1"/')
    if request.script:
        hooks.append(f'--customize-hook=sh -eu {shlex.quote(str(request.script))} "$1"')
    hooks.append(f'--customize-hook=sh -eu {clean} "$1" {shlex.quote(str(neutral))}')
    return hooks


def _host_apt_options() -> Iterable[str]:
    """The host's proxy and certificate settings, as apt options of the bootstrap."""
    dump = subprocess.run(
        ["apt-config", "dump"], capture_output=True, text=True, check=False
    ).stdout
    return [
        f"--aptopt={line.rstrip(';')}"
        for line in dump.splitlines()
        if line.startswith(_HOST_APT_SETTINGS) and '""' not in line
    ]


def _run(command: list[str], work: Path, log: Path) -> None:
    # TMPDIR: the tree is made beside the cache, so that cached packages are hard links and not copies.
    environment = {
        **os.environ,
        "TMPDIR": str(work),
        "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH,
        "LC_ALL": "C.UTF-8",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
        _running.add(process)
        code = process.wait()
        _running.discard(process)
    if code != 0:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BuildError(
            f"mmdebstrap failed:\n{last}", "can this host fetch packages? try: apt-get update"
        )


def _keep(fresh: Path, debs: Path) -> None:
    """Move packages into the cache. The last step is a rename: another build never sees half a file."""
    for deb in fresh.glob("*.deb"):
        target = debs / deb.name
        if not target.exists():
            partial = debs / f".{deb.name}.{os.getpid()}"
            shutil.move(deb, partial)
            partial.replace(target)
    shutil.rmtree(fresh, ignore_errors=True)


def _is_installed(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    try:
        return (
            subprocess.run(query, capture_output=True, text=True, check=False).stdout == "installed"
        )
    except FileNotFoundError as error:
        raise BuildError(
            "machine images are built from Debian packages; this host has no dpkg",
            "build on Debian or Ubuntu and carry the images over with docker save and docker load",
        ) from error
