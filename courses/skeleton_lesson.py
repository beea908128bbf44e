"""The files of a new lesson: each part of a lesson once, small and working."""

from __future__ import annotations

import yaml

from courses.schema import MachineKind

_BODY = """
Say here what this lesson is about, and why it is worth the time.

## Look around

A click types this into the terminal and runs it:

```sh {run}
uname -r
```

:::predict files-at-home
How many lines will `~/greeting.txt` have once the file below is written?

unit: lines

> One: the file is written byte for byte as it stands on this page.
:::

```text {file=~/greeting.txt on=laptop}
hello
```

:::task change-greeting
:::

## Make something

:::task make-folder
:::

:::quiz who-runs-checks
Who decides whether a task is done?

- [x] A script that looks at the machine
  > Yes: check.sh looks at the state of the machine, however it came about.
- [ ] The commands that were typed
  > No: there are many right ways, and nobody watches the typing.
:::

:::note
Delete what you don't need, and see docs/authoring.md for the rest.
:::
"""

_GREETING_TASK = """\
---
title: Greet somebody
machine: laptop
hints:
  - The file is `~/greeting.txt`. Any editor will do.
  - "`echo hello, world >~/greeting.txt` replaces what is in it."
---
Change `~/greeting.txt` so that it greets the **world**.
"""
_GREETING_CHECK = """\
# Exit status 0 passes; the last line of the output is what the learner reads.
file=/home/learner/greeting.txt
if ! [ -f "$file" ]; then
  echo "There is no ~/greeting.txt yet. Write it with the button above."
  exit 1
fi
if ! grep -qi world "$file"; then
  echo "~/greeting.txt does not mention the world yet. Add the word to it."
  exit 1
fi
echo "It greets the world."
"""
_FOLDER_TASK = """\
---
title: Make a folder
machine: laptop
hints: ["`mkdir` makes folders."]
---
Make a folder `~/project` with an empty file `notes.md` in it.
"""
_FOLDER_CHECK = """\
if ! [ -d /home/learner/project ]; then
  echo "There is no folder ~/project yet. Make it."
  exit 1
fi
if ! [ -f /home/learner/project/notes.md ]; then
  echo "~/project is there, and has no notes.md in it yet. Add the file."
  exit 1
fi
echo "Folder and file are there."
"""


def lesson_files(title: str, kind: MachineKind) -> dict[str, str]:
    """Text by path below the lesson's folder."""
    meta = {
        "title": title,
        "summary": "Say in one sentence what happens here.",
        "minutes": 10,
        "objectives": ["Say what the learner can do afterwards"],
    }
    front = yaml.safe_dump(meta, allow_unicode=True, sort_keys=False, width=1000)
    machine = f"machines:\n  laptop: {{kind: {kind}}}\n"
    greeting, folder = "tasks/change-greeting", "tasks/make-folder"
    return {
        "lesson.md": f"---\n{front}{machine}---\n{_BODY}",
        f"{greeting}/task.md": _GREETING_TASK,
        f"{greeting}/check.sh": _GREETING_CHECK,
        f"{greeting}/solve.sh": "echo hello, world >~/greeting.txt\n",
        f"{greeting}/solve-2.sh": "cat >~/greeting.txt <<'TEXT'\nGood morning,\nWorld!\nTEXT\n",
        f"{greeting}/nearmiss.sh": "# Greets, but not the world.\necho hello >~/greeting.txt\n",
        f"{folder}/task.md": _FOLDER_TASK,
        f"{folder}/check.sh": _FOLDER_CHECK,
        f"{folder}/solve.sh": "mkdir -p ~/project\ntouch ~/project/notes.md\n",
        f"{folder}/solve-2.sh": "cd ~\nmkdir -p project\n: >project/notes.md\n",
        f"{folder}/nearmiss.sh": "# The folder alone.\nmkdir -p ~/project\n",
    }
