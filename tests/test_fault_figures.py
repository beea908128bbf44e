"""The soak's table of faults: counted over rounds, with the longest time, and honest about failures."""

import re
from pathlib import Path

import pytest

from bench import faults, measurements

TESTS = Path(__file__).parent / "engine"
ROUND = """<testsuites><testsuite>
<testcase name="test_killed_while_creating[0]"><properties><property name="fault" value="worker"/>
<property name="times" value="5"/>
<property name="true_after_seconds" value="9.5"/><property name="true_after_seconds" value="{}"/>
</properties></testcase>
<testcase name="test_killed_while_removing[1]"><properties><property name="fault" value="worker"/>
</properties>{}</testcase>
<testcase name="test_a_full_disk"><properties><property name="fault" value="disk"/></properties>
<skipped message="not run"/></testcase>
</testsuite></testsuites>"""


def found(tmp_path: Path, *rounds: tuple[str, str]) -> dict[str, faults.Fault]:
    counted: dict[str, faults.Fault] = {}
    for number, (seconds, outcome) in enumerate(rounds):
        report = tmp_path / f"{number}.xml"
        report.write_text(ROUND.format(seconds, outcome))
        faults.read(report, counted)
    return counted


def row(counted: dict[str, faults.Fault], name: str) -> str:
    return faults.table(counted)[2 + list(faults.ROWS).index(name)].partition("| ")[2]


def test_rounds_are_added_up_with_the_longest_time(tmp_path: Path) -> None:
    counted = found(tmp_path, ("12.25", ""), ("3", ""))
    assert row(counted, "worker").endswith("| 12 | 12 | 12.2 s |")
    assert row(counted, "disk").endswith("| not caused, 2 skipped | 0 |  |")


def test_what_did_not_hold_is_not_counted_as_held(tmp_path: Path) -> None:
    counted = found(tmp_path, ("3", "<failure message='two containers'/>"))
    assert row(counted, "worker").endswith("| 6 | 5 | 9.5 s |")


def test_only_a_table_in_which_every_row_was_caused_and_held_is_whole() -> None:
    counted = {name: faults.Fault(caused=2, held=2) for name in faults.ROWS}
    assert faults.is_whole(counted)
    counted["disk"].held = 1
    assert not faults.is_whole(counted)
    counted["disk"] = faults.Fault(skipped=1)
    assert not faults.is_whole(counted)
    del counted["disk"]
    assert not faults.is_whole(counted)


def test_a_test_that_names_no_row_is_an_error(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text("<testsuite><testcase name='test_new'/></testsuite>")
    with pytest.raises(KeyError, match="test_new"):
        faults.read(report, {})


def test_every_row_has_a_test_and_every_fault_test_a_row() -> None:
    files = [
        *TESTS.glob("test_faults_*.py"),
        TESTS / "test_vm_boots.py",
        TESTS / "test_vm_starts.py",
    ]
    text = "\n".join(path.read_text() for path in files)
    marked = re.findall(r'@pytest\.mark\.fault\("(\w+)"\)', text)
    assert set(marked) == set(faults.ROWS)
    assert len(marked) == len(re.findall(r"^def test_", text, re.MULTILINE))


def test_a_part_of_the_page_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- a -->\nold\n<!-- end -->\n<!-- b -->\nother\n<!-- end -->\n")
    measurements.replace_part("<!-- a -->", "new", page)
    assert page.read_text() == (
        "above\n<!-- a -->\nnew\n<!-- end -->\n<!-- b -->\nother\n<!-- end -->\n"
    )
