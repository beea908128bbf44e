"""Attacks on whoever shows a stranger's text, and a course with one of them in every place.

The mutation group is text that changes its meaning when a browser parses it a second time.
"""

from __future__ import annotations

import json

from courses.tests.test_markdown import XSS

MUTATIONS = [
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<svg><![CDATA[><image xlink:href=']]><img src=x onerror=alert(1)>'>",
    "<template><s><template><s><img src=x onerror=alert(1)></s></template>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></p></xmp>",
    "<listing>&lt;img onerror='alert(1)' src&gt;</listing>",
    "<table><td><svg><desc><td><style><a title='</style><img src onerror=alert(1)>'>",
    "`<img src=x onerror=alert(1)>`<!--`--><img src=x onerror=alert(1)>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "&amp;lt;img src=x onerror=alert(1)&amp;gt;",
    "\\<img src=x onerror=alert(1)>",
    "[x](<javascript:alert(1)>)",
    "[x](javascript&colon;alert(1))",
    "[x](//evil.example/%0ajavascript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
]
ELEMENTS = [
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object><embed src=javascript:alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<svg><use href='data:image/svg+xml,<svg onload=alert(1)>'/></svg>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<button formaction=javascript:alert(1)>x</button>",
    '<a href="x" onclick="alert(1)">x</a>',
    "</title></textarea></script><script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "{{ page_data }}{% debug %}{% load static %}",
    "${alert(1)}{{constructor.constructor('alert(1)')()}}",
]
#: On one line each, so that they fit into any place; a word keeps ticks from opening a block.
ATTACKS = [
    f"{'so ' if text.startswith('```') else ''}{text}".replace("\n", " ")
    for text in [*XSS, *MUTATIONS, *ELEMENTS]
]


def course_with(text: str) -> dict[str, str]:
    """The files of a course that has `text` wherever an author can put text."""
    value = json.dumps(text)  # also a string of YAML
    long = json.dumps(f"{text} and so on")
    lesson = f"""\
---
title: {value}
summary: {value}
minutes: 5
objectives: [{value}]
machines:
  laptop: {{kind: docker}}
previews: [{{machine: laptop, port: 80, title: {json.dumps(text[:70])}}}]
---
{text}

## {text}

> {text}

- {text}

| {text} |
|---|
| {text} |

```sh {{run copy}}
{text}
```

```text {{file=~/x on=laptop}}
{text}
```

```text {{output}}
{text}
```

```{text.replace("`", "'").replace("{", "(")}
{text}
```

:::note {text}
{text}
:::

:::hint {text}
{text}
:::

:::quiz one
{text}

- [x] {text}
  > {text}
- [ ] {text} 2
  > {text}
:::

:::predict fate
{text}

- {text}
- another

> {text}
:::

:::predict number
{text}

unit: {text[:18].strip() or "s"}

> {text}
:::

:::task first
:::
"""
    task = f"---\ntitle: {value}\nhints: [{value}, {long}]\n---\n{text}\n"
    base = "01-hull/tasks/first"
    return {
        "course.yaml": f"title: {value}\nsummary: {value}\naudience: {value}\nlanguage: en\n"
        f"licence: {value}\nlessons: [01-hull]\n",
        "glossary.yaml": f"terms:\n  - {{term: {json.dumps((text or 'x')[:60])}, meaning: {value}}}\n"
        "  - {term: harmless, meaning: harmless}\n",
        "01-hull/lesson.md": lesson,
        f"{base}/task.md": task,
        f"{base}/check.sh": "true\n",
        f"{base}/solve.sh": "true\n",
        f"{base}/solution.md": text or "x",
    }
