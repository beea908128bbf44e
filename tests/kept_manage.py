"""`manage.py` kept in memory for tests: each command is a fork of a process that has set up Django.

A fresh Python spends a second of processor time on imports before a command begins, and the
tests of one site run a hundred of them. `python -m tests.kept_manage` reads one JSON list of
words a line and answers with one JSON object a line: the exit code, and what was printed.
"""

import importlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What the commands of the tests import; none of them starts a thread or opens a connection.
IMPORTED = ("sandbox.lifecycle", "classroom.models", "django.contrib.sessions.models")


class KeptManage:
    """One such process, started with the first command. For several threads."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def run(self, *words: str) -> str:
        """What the command printed; raises CalledProcessError if it fails."""
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.kept_manage"],
                    cwd=ROOT,
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        if answer["code"]:
            raise subprocess.CalledProcessError(answer["code"], words, answer["printed"])
        return str(answer["printed"]).strip()

    def end(self) -> None:
        """End the process; another command would start a new one."""
        with self._lock:
            if self._process is not None:
                self._process.communicate()
                self._process = None


def _serve() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        code, printed = _run(json.loads(line))
        print(json.dumps({"code": code, "printed": printed}), flush=True)


def _run(words: list[str]) -> tuple[int, str]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(writing, 1)
        os.close(writing)
        _command(words)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as pipe:
        printed = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), printed


def _command(words: list[str]) -> None:
    """The command in the fork, which ends here whatever happens."""
    from django.core.management import execute_from_command_line

    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        execute_from_command_line(["manage.py", *words])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
