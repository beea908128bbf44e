"""The soak's table of faults: counted over rounds, with the longest time, and honest about failures."""

from pathlib import Path

from bench import faults, measurements

ROUND = """<testsuites><testsuite>
<testcase name="test_killed_while_creating[0]"><properties><property name="times" value="5"/>
<property name="true_after_seconds" value="9.5"/><property name="true_after_seconds" value="{}"/>
</properties></testcase>
<testcase name="test_killed_while_creating[1]">{}</testcase>
<testcase name="test_a_full_disk"><skipped message="not run"/></testcase>
</testsuite></testsuites>"""


def rows(tmp_path: Path, *rounds: tuple[str, str]) -> list[str]:
    found: dict[str, faults.Fault] = {}
    for number, (seconds, outcome) in enumerate(rounds):
        report = tmp_path / f"{number}.xml"
        report.write_text(ROUND.format(seconds, outcome))
        faults.read(report, found)
    return faults.table(found)[2:]


def test_rounds_are_added_up_with_the_longest_time(tmp_path: Path) -> None:
    assert rows(tmp_path, ("12.25", ""), ("3", "")) == [
        "| a full disk | not run (2 skipped) | 0 |  |",
        "| killed while creating | 12 | 12 | 12.2 s |",
    ]


def test_what_did_not_hold_is_not_counted_as_held(tmp_path: Path) -> None:
    said = rows(tmp_path, ("3", "<failure message='two containers'/>"))
    assert said[1] == "| killed while creating | 6 | 5 | 9.5 s |"


def test_a_part_of_the_page_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- a -->\nold\n<!-- end -->\n<!-- b -->\nother\n<!-- end -->\n")
    measurements.replace_part("<!-- a -->", "new", page)
    assert page.read_text() == (
        "above\n<!-- a -->\nnew\n<!-- end -->\n<!-- b -->\nother\n<!-- end -->\n"
    )
