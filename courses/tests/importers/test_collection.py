"""Scenarios of one source in their order: structure.json, pathways, folders, posts."""

import json

from courses.importers.run import import_scenarios
from courses.loader import load_course
from courses.tests.importers.scenarios import scenario
from courses.tests.importers.test_scenarios import lay_out


def several(*folders, **files):
    made = dict(files)
    for folder in folders:
        made |= {
            f"{folder}/{name}": text
            for name, text in scenario("Hi", title=folder.rpartition("/")[2]).items()
        }
    return made


def titles(root):
    return [lesson.title for lesson in load_course(root).course.lessons]


def run(tmp_path, files):
    return import_scenarios(lay_out(tmp_path / "repo", files), tmp_path / "into")


def test_folders_beside_each_other_are_a_course(tmp_path):
    roots, _ = run(tmp_path, several("b", "a", "deep/x", "deep/y"))
    assert {root.name: titles(root) for root in roots} == {"repo": ["a", "b"], "deep": ["x", "y"]}


def test_structure_gives_order_titles_and_courses(tmp_path):
    top = {
        "items": [{"path": "c", "title": "Other"}, {"path": "a"}, {"path": "k"}, {"path": "no"}, 7]
    }
    files = several("a", "b", "c", "k/x", "k/y") | {
        "structure.json": json.dumps(top),
        "k/structure.json": json.dumps({"title": "Kay", "items": [{"path": "y"}, {"path": "x"}]}),
    }
    roots, report = run(tmp_path, files)
    found = {root.name: titles(root) for root in roots}
    assert found == {"repo": ["Other", "a"], "k": ["y", "x"], "repo-2": ["b"]}
    assert [note for note in report.notes if "“no” is no scenario" in note]


def test_pathway_names_its_scenarios(tmp_path):
    pathway = {
        "title": "Path",
        "description": "About",
        "courses": [{"course_id": "y"}, {"course_id": "x", "title": "X!"}, {"external_link": "z"}],
    }
    roots, report = run(
        tmp_path, several("way/x", "way/y") | {"way-pathway.json": json.dumps(pathway)}
    )
    (root,) = roots
    assert titles(root) == ["y", "X!"]
    assert load_course(root).course.title == "Path"
    assert "no course_id" in report.notes[0]


def test_damaged_order_leaves_the_scenarios(tmp_path):
    roots, report = run(tmp_path, several("a") | {"structure.json": "{", "x-pathway.json": "[]"})
    assert titles(roots[0]) == ["a"]
    assert len(report.notes) == 2


def test_paths_of_a_structure_can_not_lead_outside(tmp_path):
    items = {"items": [{"path": "../../x"}, {"path": "/etc"}, {"path": ""}, {}]}
    roots, report = run(tmp_path, several("a") | {"structure.json": json.dumps(items)})
    assert [titles(root) for root in roots] == [["a"]]
    assert len(report.notes) == 4


def test_one_bad_scenario_leaves_the_others(tmp_path):
    roots, report = run(tmp_path, several("a", "b") | {"c/index.json": "{"})
    assert titles(roots[0]) == ["a", "b"]
    assert report.counts()["can't"] == 1


def test_more_scenarios_than_a_course_holds_make_several(tmp_path):
    roots, _ = run(tmp_path, several(*(f"s{number:03d}" for number in range(61))))
    assert [len(titles(root)) for root in roots] == [60, 1]


def test_names_of_any_kind_become_addresses(tmp_path):
    folders = ("Ünï cödé", "01-a", "02-a", "---", "x" * 200)
    roots, _ = run(tmp_path, several(*folders))
    loaded = load_course(roots[0])
    assert loaded.problems == ()
    assert len({lesson.slug for lesson in loaded.course.lessons}) == len(folders)


def test_nothing_to_import_is_said(tmp_path):
    roots, report = run(tmp_path, {"README.md": "# Hi"})
    assert roots == []
    assert "no index.json" in report.notes[0]
