"""Get a host ready for `docker-compose up`: `python -m deploy.prepare [--from-packages]`.

Makes `.env` with fresh secrets, builds the machine images, fetches the Python packages, and
finds the base images: pulled where a registry answers, built from Debian packages elsewhere.
A second run does only what is missing.
"""

import argparse
import sys
from pathlib import Path

from deploy import base_images, environment, wheels
from sandbox.images import build
from sandbox.images.stages import BuildError, note

ROOT = Path(__file__).resolve().parent.parent


def prepare(env_file: Path, cache: Path, *, from_packages: bool) -> None:
    """Do what is missing. Raises BuildError."""
    try:
        made = environment.complete(env_file, environment.first_values())
    except (OSError, ValueError) as error:
        raise BuildError(f"the engine's socket can't be found: {error}") from error
    if made:
        note(f"{env_file.name}: made {', '.join(made)}")
    build.build(build.PRODUCTS, cache)
    wheels.fetch()
    names = None if from_packages else base_images.pull_all()
    if names is None:
        if not from_packages:
            note("no registry answers; the base images are built from Debian packages")
        names = base_images.build_missing(cache)
    # An image that the operator chose stays; one of ours is replaced by its newer version.
    chosen = environment.read(env_file)
    environment.replace(
        env_file,
        {
            variable: name
            for variable, name in names.items()
            if chosen.get(variable, base_images.PREFIX).startswith(base_images.PREFIX)
        },
    )


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 1 with one line that says what to do."""
    parser = argparse.ArgumentParser(prog="python -m deploy.prepare", description=__doc__)
    parser.add_argument("--env-file", type=Path, default=ROOT / ".env", help="default: .env")
    parser.add_argument("--cache", type=Path, default=build.DEFAULT_CACHE, help="keeps packages")
    parser.add_argument(
        "--from-packages", action="store_true", help="build the base images even where one can pull"
    )
    options = parser.parse_args(arguments)
    try:
        prepare(
            options.env_file.resolve(),
            options.cache.resolve(),
            from_packages=options.from_packages,
        )
    except BuildError as error:
        print(f"{error}\n{error.hint}".rstrip(), file=sys.stderr)  # noqa: T201
        return 1
    note("Ready. Next: docker-compose up -d --build")
    return 0


if __name__ == "__main__":
    sys.exit(main())
