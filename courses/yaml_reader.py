"""YAML from an untrusted author: bounded, without aliases, and with the line of every value."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Mapping
from typing import Any, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from courses.problems import ContentError, ContentProblem, fail

MAX_NODES = 4000
MAX_DEPTH = 12

Meta = TypeVar("Meta", bound=BaseModel)
Location = tuple[int | str, ...]


class _BoundedLoader(yaml.SafeLoader):
    """A safe loader that stops at nesting, size, aliases and repeated keys.

    Aliases are refused outright: metadata has no use for them, and a few lines of them expand
    to gigabytes (the "billion laughs").
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._nodes = 0
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        self._depth += 1
        if self.check_event(yaml.AliasEvent):
            self._refuse("aliases (*name) are not allowed")
        if self._nodes > MAX_NODES or self._depth > MAX_DEPTH:
            self._refuse("too many or too deeply nested values")
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _refuse(self, problem: str) -> NoReturn:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key “{key.value}” stands twice", problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


def read_yaml(text: str, model: type[Meta], path: str, first_line: int = 1) -> Meta:
    """Validate `text` as `model`; `first_line` is where the YAML starts in the file `path`.

    Raises ContentError with one problem for each value that is wrong.
    """
    node, data = _load(text, path, first_line)
    if not isinstance(data, dict):
        raise fail(path, first_line, "expected keys and values, such as “title: …”")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = _line_map(node)
        raise ContentError(
            _problem(detail, model, path, first_line + _line_of(detail["loc"], lines))
            for detail in error.errors(include_url=False)
        ) from None


def load_yaml(text: str, path: str) -> Any:
    """The plain values in `text`, whatever they are; raises ContentError like `read_yaml`."""
    return _load(text, path, 1)[1]


def read_node(text: str, path: str) -> yaml.Node | None:
    """The document's node, which knows the place of every value; raises like `read_yaml`."""
    return _load(text, path, 1)[0]


def _load(text: str, path: str, first_line: int) -> tuple[yaml.Node | None, Any]:
    try:
        loader = _BoundedLoader(text)
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + mark.line if mark else first_line
        raise fail(
            path, line, f"not valid YAML: {error.problem}", "check the indentation and quotes"
        ) from None
    except (yaml.YAMLError, ValueError, OverflowError, TypeError, RecursionError) as error:
        raise fail(path, first_line, f"not valid YAML: {error}".splitlines()[0][:300]) from error
    return node, data


def _line_map(node: yaml.Node | None) -> dict[Location, int]:
    """0-based line of each key path of a composed document."""
    lines: dict[Location, int] = {}

    def walk(current: yaml.Node, location: Location) -> None:
        if isinstance(current, yaml.MappingNode):
            for key, value in current.value:
                here = (*location, str(key.value))
                lines[here] = key.start_mark.line
                walk(value, here)
        elif isinstance(current, yaml.SequenceNode):
            for index, value in enumerate(current.value):
                lines[(*location, index)] = value.start_mark.line
                walk(value, (*location, index))

    if node is not None:
        walk(node, ())
    return lines


def _line_of(location: Location, lines: Mapping[Location, int]) -> int:
    """The line of the nearest enclosing value that the file really has."""
    for length in range(len(location), 0, -1):
        if location[:length] in lines:
            return lines[location[:length]]
    return 0


def _problem(detail: ErrorDetails, model: type[BaseModel], path: str, line: int) -> ContentProblem:
    place = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return ContentProblem(path, line, f"“{place}” is missing", f"add a line “{place}: …”")
    if detail["type"] == "extra_forbidden":
        return ContentProblem(path, line, f"unknown key “{place}”", _closest_key(place, model))
    message = detail["msg"].removeprefix("Value error, ")
    return ContentProblem(path, line, f"{place}: {message}" if place else message)


def _closest_key(key: str, model: type[BaseModel]) -> str:
    close = difflib.get_close_matches(key, model.model_fields, n=1)
    if close:
        return f"did you mean “{close[0]}”?"
    return f"known keys: {', '.join(model.model_fields)}"
