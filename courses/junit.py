"""A rehearsal's findings as JUnit XML, which CI systems draw."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree  # noqa: S405  (written here, never read)

from courses.problems import ContentProblem
from courses.rehearsal import Finding

# Characters that XML 1.0 has no way to write (section 2.2).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(
    path: Path, course: str, findings: Iterable[Finding], errors: Iterable[ContentProblem]
) -> None:
    """Write one test suite a lesson, one test case a step; lint errors make a suite of their own.

    `findings` are sorted by lesson. Raises OSError.
    """
    root = ElementTree.Element("testsuites", name=_text(course))
    found = list(errors)
    if found:
        suite = _suite(root, f"{course}.checkcourse", len(found), len(found), 0.0)
        for error in found:
            case = ElementTree.SubElement(
                suite, "testcase", classname=_text(course), name=_text(error.path), time="0"
            )
            ElementTree.SubElement(case, "failure", message=_text(str(error)))
    for lesson, steps in groupby(findings, key=lambda finding: finding.lesson):
        _lesson(root, course, lesson, list(steps))
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _lesson(root: ElementTree.Element, course: str, lesson: str, steps: list[Finding]) -> None:
    failures = sum(step.surprising for step in steps)
    seconds = sum(step.seconds for step in steps)
    suite = _suite(root, f"{course}.{lesson}", len(steps), failures, seconds)
    for step in steps:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_text(f"{course}.{lesson}"),
            name=_text(f"{step.task} {step.step}".strip()),
            time=f"{step.seconds:.2f}",
        )
        if step.surprising:
            message = f"expected: {step.expected}, found: {step.found}"
            failure = ElementTree.SubElement(case, "failure", message=_text(message))
            failure.text = _text(step.detail)


def _suite(
    root: ElementTree.Element, name: str, tests: int, failures: int, seconds: float
) -> ElementTree.Element:
    return ElementTree.SubElement(
        root,
        "testsuite",
        name=_text(name),
        tests=str(tests),
        failures=str(failures),
        time=f"{seconds:.2f}",
    )


def _text(text: str) -> str:
    return _NOT_XML.sub("?", text)
