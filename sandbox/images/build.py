"""Build the machine images: `python -m sandbox.images.build [--only shell|docker|vm|seed] [--list] [--prune-old]`."""

import argparse
import fcntl
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sandbox.images.definitions import DOCKER, SEED, SHELL, VM
from sandbox.images.docker_cli import image_exists, volume_exists
from sandbox.images.machine_image import build_machine_image
from sandbox.images.names import image_ref, seed_marker_ref, seed_volume
from sandbox.images.prune import prune_old
from sandbox.images.rootfs import check_host, stop_running
from sandbox.images.seed import fill_volume, prepare
from sandbox.images.stages import BuildError, note
from sandbox.images.standins import seed_images

PRODUCTS = (SHELL, DOCKER, VM, SEED)
DEFAULT_CACHE = Path.home() / ".cache" / "slipway"


def reference(product: str) -> str:
    """What the engine calls this product."""
    return seed_volume() if product == SEED else image_ref(product)


def is_built(product: str) -> bool:
    """Is the current version of `product` on the engine, complete?"""
    if product == SEED:
        return image_exists(seed_marker_ref()) and volume_exists(seed_volume())
    return image_exists(image_ref(product))


def build(products: tuple[str, ...], cache: Path) -> None:
    """Build what is missing of `products`, two bootstraps at a time.

    The seed's last step runs the docker image, so that one is built along where it is missing.
    """
    missing = [product for product in products if not is_built(product)]
    if SEED in missing and DOCKER not in missing and not is_built(DOCKER):
        missing.insert(0, DOCKER)
    if not missing:
        return
    check_host()
    note(f"building {', '.join(missing)}; the first time takes a few minutes")
    with _scratch(cache) as work, ThreadPoolExecutor(max_workers=2) as pool:
        try:
            _build_missing(missing, work, cache, pool)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop_running()
            raise


def _build_missing(missing: list[str], work: Path, cache: Path, pool: ThreadPoolExecutor) -> None:
    # Docker first: the seed's last step waits for it, and it is the largest.
    order = [product for product in (DOCKER, VM, SHELL) if product in missing]
    machines = [pool.submit(build_machine_image, product, work, cache) for product in order]
    preparation = prepare(work, cache, pool.submit) if SEED in missing else None
    for machine in machines:
        machine.result()
    if preparation:
        fill_volume(preparation)


@contextmanager
def _scratch(cache: Path) -> Iterator[Path]:
    """A scratch folder in the cache, removed at the end. One build at a time: a second one waits its turn."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("another build is running; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in cache.glob("work-*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(
            prefix="work-", dir=cache, ignore_cleanup_errors=True
        ) as folder:
            # mmdebstrap unpacks as root and drops rights to fetch: the folder must be passable.
            Path(folder).chmod(0o755)
            yield Path(folder)


def _list() -> None:
    for product in PRODUCTS:
        note(f"{'built  ' if is_built(product) else 'missing'}  {product:7} {reference(product)}")
    note("seed images: " + " ".join(seed_images()))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.images.build", description=__doc__)
    parser.add_argument(
        "--only", choices=PRODUCTS, help="build just this one (the seed brings docker along)"
    )
    parser.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, help="keeps packages between builds"
    )
    parser.add_argument("--list", action="store_true", help="say what is built and what is missing")
    parser.add_argument(
        "--prune-old", action="store_true", help="remove older versions that nothing uses"
    )
    return parser.parse_args(arguments)


def _timed(work: Callable[[], None]) -> None:
    started = time.monotonic()
    work()
    note(f"machine images are ready ({time.monotonic() - started:.1f} s)")


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 1 with one line that says what to do."""
    options = _parse(arguments)
    # As an exception, so that a build that is told to end still cleans up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if options.list:
            _list()
        elif options.prune_old:
            prune_old()
        else:
            products = (options.only,) if options.only else PRODUCTS
            _timed(lambda: build(products, options.cache.resolve()))
    except BuildError as error:
        print(f"{error}\n{error.hint}".rstrip(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing half-made is left", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
