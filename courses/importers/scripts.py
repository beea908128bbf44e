"""Imported scripts, wrapped so that they run as written: as root, where the learner's shell runs.

A platform script of a `docker` machine runs as uid 1000 outside the user namespace. Imported
ones expect root, `/root`, and `localhost` as the terminal has them, so they go inside. There
the learner is root as well, who could look at them: as they could where they come from.
"""

from __future__ import annotations

import re
import shlex

INSIDE = "/usr/local/lib/slipway/enter"
FOLDER = ".imported"
_SHEBANG = re.compile(r"^#![ \t]*(\S+)(?:[ \t]+(\S+))?")
_INTERPRETERS = {"bash": "bash", "sh": "bash", "dash": "bash", "ash": "bash", "zsh": "bash"}
_INTERPRETERS |= {"python": "python3", "python3": "python3"}
_DONE = re.compile(r"\becho[ \t]+[\"']?done[\"']?[ \t]*(?:$|[;&|)])", re.MULTILINE)
_INTERNET = (
    (re.compile(r"\b(?:apt|apt-get|yum|dnf|apk|zypper|snap|brew)[ \t]+(?:-\S+[ \t]+){0,5}"
                r"(?:update|upgrade|install|add)\b"), "installs packages"),
    (re.compile(r"\b(?:curl|wget)\b[^\n|;&]{0,200}?\bhttps?://(?!localhost|127\.|0\.0\.0\.0|host0)"),
     "downloads a file"),
    (re.compile(r"\bgit[ \t]+clone\b"), "clones a repository"),
    (re.compile(r"\bdocker(?:[ \t]+image)?[ \t]+pull\b"), "pulls an image"),
    (re.compile(r"\b(?:npm|yarn|gem|cargo|go|helm|krew)[ \t]+(?:install|add|get|repo)\b"),
     "installs packages"),
    (re.compile(r"\bkubectl\b[^\n|;&]{0,100}\bhttps?://"), "downloads a file"),
)  # fmt: skip

_PREPARE = """\
# What imported scripts expect of a host: ~ at /root, places that root may write to, the file that
# tells public addresses (here: those inside the machine).
mount --rbind /home/learner /root && mount --make-rprivate /root
mkdir -p /etc/killercoda && echo 'http://localhost:PORT' >/etc/killercoda/host
for folder in /opt /srv /mnt /usr/local/bin /var/log; do
  [ -w "$folder" ] && continue
  before=$(mktemp -d /run/imported.XXXXXX)
  mount --bind "$folder" "$before" && mount -t tmpfs -o mode=755 tmpfs "$folder" &&
    cp -a --no-preserve=ownership "$before/." "$folder/"
  umount "$before" && rmdir "$before"
done
mkdir -p /var/log/killercoda
"""


def interpreter_of(script: str) -> str | None:
    """The program that a script asks for in its first line, bash without one; None if not here."""
    match = _SHEBANG.match(script)
    if match is None:
        return "bash"
    name = match[1].rpartition("/")[2]
    name = (match[2] or "") if name == "env" else name
    return _INTERPRETERS.get(name)


def internet_needs(text: str) -> list[str]:
    """What a script or command does that needs the internet, each once."""
    return list(dict.fromkeys(what for pattern, what in _INTERNET if pattern.search(text)))


def check_script(script: str, interpreter: str) -> str:
    """A `verify` as check.sh. Old ones end with 0 in any case and print “done” when it is done."""
    call = f"{INSIDE} {interpreter} /dev/fd/3 3< <(printf '%s' \"$script\") </dev/null"
    if interpreter != "bash" or not _DONE.search(script):
        return f"{_held(script)}exec {call}\n"
    return (
        f"{_held(script)}output=$({call})\nstatus=$?\n"
        "printf '%s\\n' \"$output\"\n"
        '[ "$status" -eq 0 ] && [[ $output == *done* ]]\n'
    )


def background_script(script: str, interpreter: str, name: str) -> str:
    """Starts a script behind the learner's back, as it was meant to run; returns at once."""
    log = f"/var/log/killercoda/{name}.log"
    starter = f"exec setsid nohup {interpreter} /dev/fd/3 >{shlex.quote(log)} 2>&1 </dev/null"
    call = f"{INSIDE} bash -c {shlex.quote(starter)} 3< <(printf '%s' \"$script\")"
    return f"{_held(script)}({call} &)\n"


def command_script(commands: list[str]) -> str:
    """The commands of a step one after the other, as its page has them run."""
    return f"{_held(chr(10).join(commands))}exec {INSIDE} bash /dev/fd/3 3< <(printf '%s' \"$script\") </dev/null\n"


def machine_setup(moves: list[tuple[str, str]], background: str) -> str:
    """The set-up of a machine: what imported scripts expect, files put in place, a script started.

    `moves` are pairs of a file below the home folder and where it belongs.
    """
    lines = [
        f"mkdir -p {shlex.quote(target.rpartition('/')[0] or '/')} && "
        f"mv {shlex.quote(source)} {shlex.quote(target)}"
        for source, target in moves
    ]
    prepare = _PREPARE + "\n".join([*lines, "exit 0", ""])
    call = f"{INSIDE} bash /dev/fd/3 3< <(printf '%s' \"$script\") </dev/null\n"
    return f"{_held(prepare)}{call}{background}"


def _held(script: str) -> str:
    """Bash that holds a script, byte for byte, in the variable `script`."""
    mark = "IMPORTED"
    while mark in script:
        mark += "_"
    return f"IFS= read -rd '' script <<'{mark}'\n{script.rstrip(chr(10))}\n{mark}\n"
