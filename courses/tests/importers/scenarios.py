"""Scenarios of other platforms, made for tests: every feature of their formats, and every damage.

Each row: files, then what the report must say about the steps, then what lesson.md must (and
must not) have. `scenario` makes the index.json of a row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Files = dict[str, str | bytes]
BAD = object()


@dataclass(frozen=True)
class Row:
    """One scenario: `outcomes` of its steps in order, `says` in the report, `has` in lesson.md."""

    files: Files
    outcomes: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = field(default=())
    paths: tuple[str, ...] = ()


def scenario(
    *texts: str,
    image: Any = "ubuntu",
    step: dict[str, Any] | None = None,
    intro: Any = None,
    finish: Any = None,
    files: Files | None = None,
    details: dict[str, Any] | None = None,
    **more: Any,
) -> Files:
    """A scenario with one step for each text; `step` adds to the first one's entry."""
    steps: list[dict[str, Any]] = []
    found: Files = {}
    for number, text in enumerate(texts, start=1):
        steps.append({"title": f"Part {number}", "text": f"step{number}.md"})
        found[f"step{number}.md"] = text
    if step:
        steps[0].update(step)
    inner: dict[str, Any] = {"steps": steps}
    for name, value in (("intro", intro), ("finish", finish)):
        if isinstance(value, str):
            inner[name] = {"text": f"{name}.md"}
            found[f"{name}.md"] = value
        elif value is not None:
            inner[name] = value
    index = {"title": "A test", "description": "Made for tests", "details": inner | (details or {})}
    if image is not None:
        index["backend"] = {"imageid": image}
    return found | {"index.json": json.dumps(index | more)} | (files or {})


OK, LOSS, NO = "runs", "runs with loss", "can't"
RUN = "```sh {run on=host01}\n"

ROWS: dict[str, Row] = {
    # --- markers, in any order and case
    "exec": Row(scenario("Look:\n\n`ls -l`{{exec}}\n"), (OK, OK), has=(f"{RUN}ls -l\n```",)),
    "execute": Row(scenario("`ls`{{execute}}"), (OK, OK), has=(f"{RUN}ls\n",)),
    "case-and-blanks": Row(
        scenario("`a`{{ EXEC }} then `b`{{Execute}} and `c` {{exec}}"),
        (OK, OK),
        has=(f"{RUN}a\n", f"{RUN}b\n", f"{RUN}c\n", "`a` then `b`"),
    ),
    "fenced": Row(
        scenario("```bash\nuname -r\npwd\n```{{exec}}\n\n```\nx\n```{{copy}}\n\n```\ny\n```\n"),
        (OK, OK),
        has=("```bash {run on=host01}\nuname -r\npwd\n```", "```sh {copy}\nx\n```", "```\ny\n```"),
    ),
    "copy-inline": Row(scenario("Use `abc`{{copy}}."), (OK, OK), has=("Use `abc`.",)),
    "no-copy": Row(scenario("Not this: `x`{{}}"), (OK, OK), has=("`x`",), lacks=("{{",)),
    "copy-and-exec": Row(scenario("`x`{{copy}}{{exec}}"), (OK, OK), has=("{run copy on=host01}",)),
    "interrupt": Row(
        scenario("`top`{{exec interrupt}}\n\n`who`{{interrupt execute}}"),
        (OK, LOSS),
        says=("not interrupted",),
        has=("press Ctrl+C first",),
    ),
    "no-newline": Row(
        scenario("`export K=`{{execute no-newline}}"), (OK, LOSS), has=("```sh {copy}\nexport K=",)
    ),
    "open": Row(scenario("`app.js`{{open}}"), (OK, LOSS), says=("editor",), has=("`app.js`",)),
    "terminal-2": Row(
        scenario("`w`{{execute T2}}"), (OK, LOSS), says=("terminal 2",), has=(f"{RUN}w",)
    ),
    "two-hosts": Row(
        scenario("`a`{{execute HOST1}}\n\n`b`{{HOST2 execute}}", image="docker-swarm"),
        (OK, OK),
        has=("{run on=host01}\na", "{run on=host02}\nb", "host02:\n    kind: docker"),
    ),
    "host-that-is-not-there": Row(
        scenario("`b`{{execute HOST3}}"), (OK, NO), says=("host 3",), has=("```sh {copy}\nb",)
    ),
    "unknown-marker": Row(
        scenario("`b`{{frobnicate}} and ```\nc\n```{{frob}}"), (OK, LOSS), says=("frobnicate",)
    ),
    "broken-markers": Row(
        scenario("`a`{exec}} `b`{{execute} ` c `{{exec}}}"), (OK, LOSS), says=("{exec}}",)
    ),
    "inline-over-lines": Row(
        scenario("`one\ntwo`{{execute}}\n\nthree"), (OK, OK), has=(f"{RUN}one\ntwo\n```", "three")
    ),
    "list-items": Row(
        scenario("1. Do `a`{{exec}}\n2. Do `b`{{exec}}\n   more\n3. End"),
        (OK, OK),
        has=("1. Do `a`\n\n```sh", "2. Do `b`\n   more\n\n```sh", "3. End"),
    ),
    "fence-in-list": Row(
        scenario("- do\n  ```bash\n  ls\n    x\n  ```{{exec}}\n"), (OK, OK), has=("\nls\n  x\n```",)
    ),
    "table-with-commands": Row(
        scenario("| a | b |\n|---|---|\n| `x`{{exec}} | 1 |\n| `y`{{exec}} | 2 |\n"),
        (OK, OK),
        has=("| `x` | 1 |\n| `y` | 2 |\n\n```sh",),
    ),
    "ticks-in-code": Row(
        scenario("````\n```\nx\n```\n````{{copy}}\n"), (OK, OK), has=("````sh {copy}",)
    ),
    # --- scripts
    "intro-and-finish": Row(
        scenario("Middle", intro="Welcome", finish="Bye"),
        (OK, OK, OK, OK),
        has=("Welcome", "## Part 1", "Middle", "## In the end", "Bye"),
    ),
    "verify": Row(
        scenario(
            "Make it: `touch /root/x`{{exec}}",
            step={"verify": "v.sh"},
            files={"v.sh": "#!/bin/bash\n[ -f /root/x ]\n"},
        ),
        (OK, OK),
        has=(":::task step-1",),
        paths=("tasks/step-1/check.sh", "tasks/step-1/solve.sh", "tasks/step-1/nearmiss.sh"),
    ),
    "verify-old-done": Row(
        scenario("x", step={"verify": "v.sh"}, files={"v.sh": 'ls /x && echo "done"\n'}),
        (OK, OK),
        has=(":::task step-1",),
    ),
    "verify-in-python": Row(
        scenario("x", step={"verify": "v"}, files={"v": "#!/usr/bin/env python3\nprint(1)\n"}),
        (OK, OK),
        has=(":::task step-1",),
    ),
    "verify-in-perl": Row(
        scenario("x", step={"verify": "v"}, files={"v": "#!/usr/bin/perl\n"}),
        (OK, LOSS),
        says=("a program that is not on the machine",),
        lacks=(":::task",),
    ),
    "verify-missing": Row(
        scenario("x", step={"verify": "gone.sh"}), (OK, LOSS), says=("gone.sh",), lacks=(":::task",)
    ),
    "answer": Row(
        scenario(
            "x",
            step={"verify": "v.sh", "answer": "a.md"},
            files={"v.sh": "true", "a.md": "Type `x`{{exec}}\n\n```\nx\n```{{exec}}\n"},
        ),
        (OK, OK),
        paths=("tasks/step-1/solution.md",),
    ),
    "scripts-of-the-intro": Row(
        scenario(
            "x",
            intro={"text": "i.md", "background": "b.sh", "foreground": "f.sh"},
            files={"i.md": "Hi", "b.sh": "touch /opt/done\n", "f.sh": "clear\n"},
        ),
        (OK, LOSS, OK),
        says=("foreground script runs by a click",),
        has=(". ~/.imported/intro-foreground",),
        paths=("setup/host01.sh", "files/host01/home/learner/.imported/intro-foreground"),
    ),
    "scripts-by-their-old-names": Row(
        scenario(
            "x",
            intro={"text": "i.md", "courseData": "b.sh", "code": "f.sh"},
            files={"i.md": "Hi", "b.sh": "true\n", "f.sh": "clear\n"},
        ),
        (OK, LOSS, OK),
        has=(". ~/.imported/intro-foreground",),
    ),
    "scripts-of-a-step": Row(
        scenario(
            "x",
            "y",
            step={"background": "b.sh", "verify": "v.sh"},
            finish={"text": "step1.md", "background": "b.sh"},
            files={"b.sh": "true\n", "v.sh": "true\n"},
        ),
        (OK, OK, OK, LOSS),
        paths=("tasks/step-1/setup.sh",),
        has=("bash ~/.imported/finish-background",),
    ),
    "script-with-internet": Row(
        scenario(
            "`apt-get install -y cowsay`{{exec}}",
            intro={"text": "step1.md", "background": "b.sh"},
            files={"b.sh": "curl -sL https://example.org/x | sh\ngit clone https://a/b\n"},
        ),
        (OK, LOSS, LOSS),
        says=("downloads a file: needs the internet", "a command installs packages"),
    ),
    "missing-scripts": Row(
        scenario("x", intro={"text": "step1.md", "background": "no.sh", "foreground": "no2.sh"}),
        (OK, LOSS, OK),
        says=("no.sh", "no2.sh"),
    ),
    # --- addresses
    "traffic": Row(
        scenario(
            "[Open it]({{TRAFFIC_HOST1_80}}) or {{TRAFFIC_HOST1_8080}}/x or [all]({{TRAFFIC_SELECTOR}})"
        ),
        (OK, OK),
        has=("**Open it** (the preview “Port 80”)", "port: 8080", "**all** (the tabs"),
    ),
    "traffic-in-code": Row(
        scenario(
            "`curl {{TRAFFIC_HOST1_80}}/a`{{exec}}\n\n```\nX={{TRAFFIC_HOST1_81}}\n```{{exec}}"
        ),
        (OK, LOSS),
        has=("curl http://localhost:80/a", "X=http://localhost:81", "port: 81"),
    ),
    "katacoda-addresses": Row(
        scenario(
            "See https://[[HOST_SUBDOMAIN]]-80-[[KATACODA_HOST]].environments.katacoda.com/app or"
            " [two](https://[[HOST2_SUBDOMAIN]]-81-[[KATACODA_HOST]].[[KATACODA_DOMAIN]])\n\n"
            "`ping [[HOST2_IP]]`{{execute}}",
            image="docker-swarm",
        ),
        (OK, OK),
        has=(
            "the preview “host01:80”, page `/app`",
            "**two** (the preview “host02:81”)",
            "ping host02",
        ),
    ),
    "unknown-placeholders": Row(
        scenario("Use [[KATACODA_NOPE]]"), (OK, LOSS), says=("KATACODA_NOPE",)
    ),
    "too-many-ports": Row(
        scenario(" ".join(f"{{{{TRAFFIC_HOST1_{port}}}}}" for port in range(80, 90))),
        (OK, LOSS),
        says=("a lesson has 4",),
    ),
    "impossible-port": Row(
        scenario("{{TRAFFIC_HOST1_99999}} {{TRAFFIC_HOST9_80}}"), (OK, NO), says=("port 99999",)
    ),
    "dashboards": Row(
        scenario(
            "x",
            environment={
                "uilayout": "editor-terminal",
                "dashboards": [{"name": "Web", "port": 3000}, {"name": "Doc", "href": "http://a"}],
            },
        ),
        (LOSS, OK),
        says=("editor is not opened", "“Doc” has no port"),
        has=("title: Web",),
    ),
    # --- text
    "headings": Row(
        scenario("# One\n\nTwo\n===\n\nThree\n---\n\n### Four\n"),
        (OK, OK),
        has=("### One", "### Two", "### Three", "#### Four"),
    ),
    "front-matter-in-a-step": Row(
        scenario("---\ntitle: x\n---\nBody"), (OK, OK), lacks=("title: x",)
    ),
    "html": Row(
        scenario(
            "<br>\n<b>bold</b> <a href='https://a.b/c'>there</a> <img src='p.png' alt='a p'>"
            "<!-- gone -->\n\n<center>mid</center> give <your-name>\n\n"
            "<iframe src='https://v.w/x'></iframe>\n<kbd>x</kbd>"
        ),
        (OK, LOSS),
        says=("picture “a p”", "embedded iframe"),
        has=(
            "**bold**",
            "[there](https://a.b/c)",
            "\\<your-name>",
            "[iframe](https://v.w/x)",
            "`x`",
        ),
        lacks=("gone",),
    ),
    "details": Row(
        scenario(
            "<details><summary>Solution</summary>\n\n`x`{{exec}}\n\n```\ny\n```{{exec}}\n\n</details>\n"
            "<details>\nnever closed"
        ),
        (OK, LOSS),
        has=(":::hint Solution\n", "\n:::\n"),
        says=("has no button",),
    ),
    "file-blocks": Row(
        scenario(
            '<pre class="file" data-filename="app.js" data-target="replace">let a = 1 &lt; 2;\n</pre>\n'
            '<pre class="file" data-target="clipboard">abc</pre>\n'
            '<pre class="file" data-filename="a.txt" data-target="append">more</pre>\n'
            '<pre data-filename="../../etc/passwd">x</pre><pre>open'
        ),
        (OK, LOSS),
        has=('```text {file="~/app.js" on=host01}\nlet a = 1 < 2;\n```', "```text {copy}\nabc"),
        says=("does not change the file “a.txt”",),
    ),
    "pictures": Row(
        scenario("![alt](./assets/p.png) ![](q.png 'x') ![r][ref]\n\n[ref]: ./r.png"),
        (OK, LOSS),
        has=("*(picture: alt)*", "*(picture: q.png)*"),
    ),
    "dead-links": Row(
        scenario(
            "[a](other.md) [b](#x) [c](https://katacoda.com/x) [d](https://ok.org) [e](/f) [g][h]\n\n[h]: z.md"
        ),
        (OK, LOSS),
        says=("“other.md” is dead", "has closed"),
        has=("[d](https://ok.org)",),
        lacks=("other.md",),
    ),
    "quizzes": Row(
        scenario(
            ">>Q1: Which one?<<\n(*) This\n( ) That\n\n>>Q2: Several<<\n[*] a\n[*] b\n[ ] c\n\n"
            ">>Type it<<\n=== word\n\n>>None right<<\n( ) a\n( ) b\n\nEnd"
        ),
        (OK, LOSS),
        has=(
            ":::quiz step-1-q1\nWhich one?",
            "- [x] This",
            "- [ ] That",
            ":::quiz step-1-q2",
            "End",
        ),
        says=("wants a typed answer", "or none right"),
    ),
    "directives-of-ours": Row(
        scenario(":::task nope\n:::\n\n```sh {run on=elsewhere}\nx\n```\n\n:::quiz\n"),
        (OK, OK),
        has=("\\:::task nope",),
        lacks=("elsewhere",),
    ),
    "indented-code": Row(
        scenario("So:\n\n    cat <file >out\n    x<y\n\nEnd"),
        (OK, OK),
        has=("```\ncat <file >out\nx<y\n```",),
    ),
    "never-closed": Row(
        scenario("```\nx", "Next"), (OK, LOSS, OK), has=("```\nx\n```", "## Part 2")
    ),
    # --- assets
    "assets": Row(
        scenario(
            "x",
            details={
                "assets": {
                    "host01": [
                        {"file": "*", "target": "/root", "chmod": "+x"},
                        {"file": "sub/**/*", "target": "~/deep"},
                        {"file": "a.txt", "target": "/opt/tool", "chmod": "0600"},
                        {"file": "a.txt", "target": "/usr/local/bin"},
                        {"file": "a.txt", "target": "/nowhere"},
                        {"file": "gone.txt", "target": "/root"},
                        {"file": "a.txt", "target": "../../x"},
                        {"file": "../index.json", "target": "/root"},
                    ],
                    "client": [{"file": "*.txt", "target": "/home/scrapbook/tutorial/"}],
                    "host07": [{"file": "*", "target": "/root"}],
                }
            },
            files={"assets/a.txt": "A", "assets/b.bin": b"\x00\xff", "assets/sub/x/c": "C"},
        ),
        (LOSS, OK),
        says=("can't go to “/nowhere”", "gone.txt", "“../index.json” is missing", "“host07”"),
        paths=(
            "files/host01/home/learner/a.txt",
            "files/host01/home/learner/b.bin",
            "files/host01/home/learner/deep/x/c",
            "files/host01/home/learner/.imported/assets/opt/tool/a.txt",
        ),
    ),
    "asset-too-large": Row(
        scenario(
            "x",
            details={"assets": {"host01": [{"file": "*", "target": "/root"}]}},
            files={
                "assets/1": b"x" * 3_000_000,
                "assets/2": b"x" * 3_000_000,
                "assets/3": b"x" * 6_000_000,
            },
        ),
        (LOSS, OK),
        says=("more than 5 MiB",),
    ),
    # --- backends
    "kubernetes": Row(
        scenario("`kubectl get pods`{{exec}}", image="kubernetes-kubeadm-1node"),
        (NO, NO),
        says=("Kubernetes",),
        has=("layout: text", "```sh {copy}\nkubectl get pods"),
        lacks=("machines:",),
    ),
    "openshift": Row(scenario("x", image="openshift-4"), (NO, NO), says=("OpenShift",)),
    "unknown-backend": Row(
        scenario("x", image="frobnitz:7"), (NO, NO), says=("“frobnitz:7” is unknown",)
    ),
    "no-backend": Row(scenario("x", image=None), (NO, NO), says=("names no backend",)),
    "centos": Row(scenario("x", image="CentOS:7"), (LOSS, OK), says=("Debian",)),
    "ide": Row(scenario("x", interface={"layout": "ide"}), (LOSS, OK), says=("editor",)),
    "strange-layout": Row(
        scenario("x", environment={"uilayout": "upside-down"}), (LOSS, OK), says=("upside-down",)
    ),
    "challenge": Row(
        scenario(
            "x",
            step={"verify": "v", "hint": "h.sh"},
            type="challenge@0.8",
            time="90 minutes",
            files={"v": "true"},
        ),
        (OK, LOSS),
        says=("hints is not run",),
        has=("minutes: 90",),
    ),
    # --- index files
    "index-yaml": Row(
        {
            "index.yaml": "title: Y\ndetails:\n  steps:\n  - {title: S, text: s.md}\nbackend: {imageid: ubuntu}\n",
            "s.md": "Hi",
        },
        (OK, OK),
        has=("title: Y", "Hi"),
    ),
    "json-with-comments": Row(
        {
            "index.json": '// c\n{"title": "C", "details": {"steps": [{"text": "s.md",},],},'
            ' "backend": {"imageid": "ubuntu"},}',
            "s.md": "Hi",
        },
        (LOSS, OK, OK),
        has=("title: C",),
    ),
    "byte-order-mark": Row(
        {
            "index.json": b"\xef\xbb\xbf" + scenario("x")["index.json"].encode(),
            "step1.md": b"\xef\xbb\xbfHi\r\n",
        },
        (OK, OK),
        has=("## Part 1\n\nHi",),
    ),
    "no-steps": Row(scenario(intro="Only this"), (OK, OK), has=("Only this",)),
    # --- damage
    "text-missing": Row(
        scenario("x", step={"text": "gone.md"}),
        (OK, NO),
        says=("“gone.md” is missing",),
        has=(":::warning",),
    ),
    "text-outside": Row(
        scenario("x", step={"text": "../../../etc/passwd"}), (OK, NO), lacks=("root:",)
    ),
    "text-absolute": Row(scenario("x", step={"text": "/etc/passwd"}), (OK, NO), lacks=("root:",)),
    "text-in-other-case": Row(scenario("x", step={"text": "STEP1.MD"}), (OK, OK)),
    "text-empty": Row(scenario(""), (OK, OK)),
    "text-not-utf8": Row(scenario("x", files={"step1.md": b"caf\xe9"}), (OK, LOSS), has=("café",)),
    "text-with-nul": Row(
        scenario("x", files={"step1.md": b"a\x00b\x1b[31m"}), (OK, OK), lacks=("\x00", "\x1b")
    ),
    "text-too-large": Row(scenario("x", "z", files={"step1.md": b"y " * 200_000}), (OK, NO, OK)),
    "many-large-steps": Row(
        scenario(*["w " * 60_000] * 3), (OK, OK, OK, NO), says=("larger than a lesson",)
    ),
    "titles-of-wrong-types": Row(
        scenario("x", step={"title": ["a"]}, title={"b": 1}, description=7), (OK, OK)
    ),
    "title-with-everything": Row(
        scenario(
            "x",
            step={"title": "T\n:::task x `\u202e<script>"},
            title="a: b\n---\n# \ud800 'q\" \x00" + "x" * 500,
        ),
        (OK, LOSS),
    ),
    "steps-as-object": Row(
        scenario(details={"steps": {"title": "S", "text": "s.md"}}, files={"s.md": "Hi"}), (OK, OK)
    ),
    "steps-as-text": Row(scenario(details={"steps": "no"}), (OK,)),
    "step-is-null": Row(scenario(details={"steps": [None, 7, "x", {}]}), (OK, NO, NO, NO, NO)),
    "details-as-list": Row(
        {"index.json": '{"title": "L", "details": [1], "backend": "ubuntu"}'}, (NO,)
    ),
    "assets-of-wrong-types": Row(
        scenario("x", details={"assets": {"host01": "x", "host02": [1, {"file": 3}]}}), (LOSS, OK)
    ),
    "numbers-of-great-length": Row(scenario("x", time=10**30, files={"x": "y"}), (OK, OK)),
}

#: index.json that can't be used at all: reported, nothing written.
HOPELESS: dict[str, str | bytes] = {
    "empty": "",
    "cut": '{"title": "x", "details": {',
    "a-list": "[]",
    "a-number": "7",
    "html": "<html></html>",
    "deep": "[" * 200_000,
    "binary": bytes(range(256)) * 10,
    "huge": '{"a": "' + "x" * 2_000_000 + '"}',
}
