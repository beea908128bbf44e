"""Taking values out of JSON or YAML of which nothing is known: wrong types become empty ones."""

from __future__ import annotations

import json
import re
from typing import Any

from courses.problems import ContentError
from courses.yaml_reader import load_yaml

_COMMENT = re.compile(r"^[ \t]*//.*$", re.MULTILINE)
_COMMA = re.compile(r",(?=[ \t\r\n]{0,1000}[}\]])")


class Damaged(Exception):
    """Text that is not the JSON or YAML it should be; the message says where."""


def read_json(text: str) -> tuple[dict[str, Any], bool]:
    """The object in a JSON file, and whether it had to be mended first; raises Damaged.

    Mended are comments on lines of their own and commas too many.
    """
    try:
        return _object(text), False
    except Damaged as first:
        try:
            return _object(_COMMA.sub("", _COMMENT.sub("", text))), True
        except Damaged:
            raise first from None


def read_yaml_object(text: str) -> dict[str, Any]:
    """The mapping in a YAML file; raises Damaged."""
    try:
        return mapping(load_yaml(text, "index.yaml"))
    except ContentError as error:
        problem = error.problems[0]
        raise Damaged(f"{problem.message} (line {problem.line})") from None


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object with text as keys, else an empty one."""
    if not isinstance(value, dict):
        return {}
    return {key: item for key, item in value.items() if isinstance(key, str)}


def as_list(value: Any) -> list[Any]:
    """The value if it is a list, a list of it if it is an object, else an empty one."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Text and whole numbers as text that can be written as UTF-8, anything else as “”."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    try:
        text = str(value)
    except ValueError:  # a number of thousands of digits
        return ""
    return text.encode("utf-8", "replace").decode("utf-8")


def one_line_of(value: Any, limit: int, default: str = "") -> str:
    """Text on one line without control characters, at most `limit` characters."""
    bare = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", " ", as_text(value))
    return " ".join(bare.split())[:limit].strip() or default


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise Damaged(f"not valid JSON: {error.msg} (line {error.lineno})") from None
    except (RecursionError, ValueError) as error:
        raise Damaged(f"not valid JSON: {str(error)[:100]}") from None
    if not isinstance(value, dict):
        raise Damaged("not a JSON object")
    return mapping(value)
