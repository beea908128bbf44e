"""The packages of requirements.txt as wheels, for an image build without an index.

They are fetched by the host's pip, so that the host's index, proxy and certificates apply
and none of them is ever written into an image or a build argument.
"""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

from sandbox.images.stages import BuildError, stage

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
FOLDER = Path(__file__).parent / "wheels"
# Python of the base images; their C library is that of Debian 12.
PYTHON_VERSION = "3.11"
_GLIBC_TAGS = ("manylinux_2_17", "manylinux2014", "manylinux_2_28", "manylinux_2_34")


def fetch() -> None:
    """Fill the folder with exactly the locked wheels. Raises BuildError."""
    stamp = FOLDER / ".stamp"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return
    for old in FOLDER.glob("*.whl"):
        old.unlink()
    with stage("fetching the locked Python packages"):
        _download()
    stamp.write_text(wanted, encoding="ascii")


def _download() -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON_VERSION]
    command += [f"--platform={tag}_{platform.machine()}" for tag in _GLIBC_TAGS]
    command += ["--dest", str(FOLDER), "--requirement", str(REQUIREMENTS)]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise BuildError(
            f"pip could not fetch requirements.txt:\n{last}", "check this host's pip configuration"
        )
