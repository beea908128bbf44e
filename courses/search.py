"""Finding lessons and words of the glossary, best first (BM25F over title, headings and text).

One index a course and language, made from the course as it was read and kept as long as the
course is. What only answers show (explanations, outcomes, hints, solutions) is not indexed.
"""

from __future__ import annotations

import heapq
import math
import re
import threading
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from courses.blocks import CalloutBlock, CommandBlock, FileBlock, OutputBlock, ProseBlock, Slot
from courses.content import Course, Lesson
from courses.glossary import Term
from courses.markdown import text_of
from courses.snippets import Piece, Text

MAX_QUERY_LENGTH = 200
MAX_WORDS = 8
MAX_RESULTS = 20
MAX_TERMS = 4
_WORD = re.compile(r"\w+")
# How much a word weighs where it stands; text is 1.
_TITLE, _SUMMARY, _HEADING, _TASK, _TEXT = 6.0, 2.0, 3.0, 3.0, 1.0
_HEADINGS = re.compile(r"<h[2-4]>(.*?)</h[2-4]>")
# The usual constants of BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework").
_K1, _B = 1.2, 0.75
_PREFIX, _STEM = 0.5, 0.8
_MIN_PREFIX = 3


@dataclass(frozen=True)
class Result:
    """A lesson that was found, with the place of its text that says most."""

    course: Course
    lesson: Lesson
    score: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Found:
    """What a query found: lessons best first, and words of the glossary."""

    results: tuple[Result, ...]
    terms: tuple[tuple[Course, Term], ...]
    total: int


@dataclass
class _Document:
    lesson: Lesson
    text: Text
    length: float = 0.0


@dataclass
class _Index:
    """Postings of one course: word → {document: weighted count}."""

    course: Course
    documents: list[_Document] = field(default_factory=list)
    length: float = 0.0
    postings: dict[str, dict[int, float]] = field(default_factory=dict)
    vocabulary: list[str] = field(default_factory=list)
    # The glossary's terms with their forms as words are compared.
    terms: list[tuple[Term, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, lesson in enumerate(self.course.lessons):
            counts: Counter[str] = Counter()
            texts = []
            for text, weight in _fields(lesson):
                for word in words_of(text):
                    counts[word] += weight  # type: ignore[assignment]
                if weight == _TEXT:
                    texts.append(text)
            self.documents.append(
                _Document(lesson, Text.of("\n".join(texts), words_of), sum(counts.values()))
            )
            for word, count in counts.items():
                self.postings.setdefault(word, {})[number] = count
        self.length = sum(document.length for document in self.documents)
        self.vocabulary = sorted(self.postings)
        for term in self.course.glossary:
            self.terms.append((term, [" ".join(words_of(form)) for form in term.forms]))

    def matching(self, word: str) -> dict[str, float]:
        """Words of the course that the query's word stands for, with how well they do."""
        found = {}
        if len(word) >= _MIN_PREFIX:
            start = bisect_left(self.vocabulary, word)
            for candidate in self.vocabulary[start : start + 50]:
                if not candidate.startswith(word):
                    break
                # A plural or an ending is nearly the word itself; more is only a beginning.
                found[candidate] = _STEM if len(candidate) <= len(word) + 2 else _PREFIX
            for cut in (1, 2):
                stem = word[:-cut]
                if len(stem) >= _MIN_PREFIX and stem in self.postings:
                    found[stem] = _STEM
        if word in self.postings:
            found[word] = 1.0
        return found


_indexes: dict[int, _Index] = {}
_indexing = threading.Lock()


def search(courses: Sequence[Course], query: str) -> Found:
    """Lessons of these courses that hold the words of `query`, best first.

    Lessons with all words come before lessons with some. An empty query finds nothing.
    """
    words = list(dict.fromkeys(words_of(query[:MAX_QUERY_LENGTH])))[:MAX_WORDS]
    if not words:
        return Found((), (), 0)
    indexes = _of(courses)
    scored = list(_scores(indexes, words))
    best = heapq.nlargest(MAX_RESULTS, scored, key=lambda entry: entry[:2])
    results = tuple(
        Result(
            index.course,
            index.documents[number].lesson,
            score,
            index.documents[number].text.snippet(matched),
        )
        for _, score, index, number, matched in best
    )
    return Found(results, tuple(_terms(indexes, words)), len(scored))


def words_of(text: str) -> list[str]:
    """The words of a text as they are compared: case and accents do not count."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))


_Scored = tuple[int, float, _Index, int, frozenset[str]]


def _scores(indexes: list[_Index], words: list[str]) -> Iterator[_Scored]:
    documents = sum(len(index.documents) for index in indexes) or 1
    average = sum(index.length for index in indexes) / documents or 1
    matches = [[index.matching(word) for word in words] for index in indexes]
    counts = [
        [_counts(index, candidates) for candidates in found]
        for index, found in zip(indexes, matches, strict=True)
    ]
    rarity = [
        _rarity(documents, sum(len(found[at]) for found in counts)) for at in range(len(words))
    ]
    for index, candidates, found in zip(indexes, matches, counts, strict=True):
        scores: dict[int, tuple[int, float]] = {}
        for at, held in enumerate(found):
            for number, count in held.items():
                length = index.documents[number].length / average
                part = count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * length))
                whole, score = scores.get(number, (0, 0.0))
                scores[number] = whole + 1, score + rarity[at] * part
        matched = frozenset(word for words in candidates for word in words)
        for number, (whole, score) in scores.items():
            yield whole, score, index, number, matched


def _counts(index: _Index, candidates: dict[str, float]) -> dict[int, float]:
    counts: dict[int, float] = {}
    for word, weight in candidates.items():
        for number, count in index.postings[word].items():
            counts[number] = counts.get(number, 0.0) + weight * count
    return counts


def _rarity(documents: int, holding: int) -> float:
    """BM25's inverse document frequency, which is never negative."""
    return math.log(1 + (documents - holding + 0.5) / (holding + 0.5))


def _terms(indexes: list[_Index], words: list[str]) -> Iterator[tuple[Course, Term]]:
    """Terms one of whose forms is what was asked for, or begins with it."""
    asked = " ".join(words)
    exact, begun = [], []
    for index in indexes:
        for term, forms in index.terms:
            if asked in forms:
                exact.append((index.course, term))
            elif len(asked) >= _MIN_PREFIX and any(form.startswith(asked) for form in forms):
                begun.append((index.course, term))
    yield from (exact + begun)[:MAX_TERMS]


def _of(courses: Sequence[Course]) -> list[_Index]:
    """The indexes of these courses; those of courses that were read again are made anew."""
    with _indexing:
        wanted = {id(course): course for course in courses}
        for key in [key for key in _indexes if key not in _served(wanted)]:
            del _indexes[key]
        for key, course in wanted.items():
            if key not in _indexes:
                _indexes[key] = _Index(course)
        return [_indexes[key] for key in wanted]


def _served(wanted: dict[int, Course]) -> set[int]:
    """Keys to keep: an index holds its course, so an id is never that of another object."""
    slugs = {course.slug for course in wanted.values()}
    languages = {course.language for course in wanted.values()}
    others = {
        key
        for key, index in _indexes.items()
        if index.course.slug in slugs and index.course.language not in languages
    }
    return set(wanted) | others


def _fields(lesson: Lesson) -> Iterator[tuple[str, float]]:
    yield lesson.title, _TITLE
    yield lesson.summary, _SUMMARY
    for objective in lesson.objectives:
        yield objective, _SUMMARY
    for block in lesson.body:
        if isinstance(block, ProseBlock):
            for heading in _HEADINGS.findall(block.html):
                yield text_of(heading), _HEADING
            yield text_of(block.html), _TEXT
        elif isinstance(block, CalloutBlock):
            yield f"{block.title} {text_of(block.html)}", _TEXT
        elif isinstance(block, CommandBlock):
            yield block.code, _TEXT
        elif isinstance(block, FileBlock):
            yield f"{block.path}\n{block.content}", _TEXT
        elif isinstance(block, OutputBlock):
            yield block.text, _TEXT
        elif isinstance(block, Slot):
            yield from _question(lesson, block)


def _question(lesson: Lesson, slot: Slot) -> Iterator[tuple[str, float]]:
    if slot.kind == "quiz":
        yield text_of(lesson.quizzes[slot.name].question_html), _TEXT
    elif slot.kind == "predict":
        yield text_of(lesson.predictions[slot.name].question_html), _TEXT
    elif slot.kind == "task" and (task := lesson.task(slot.name)):
        yield task.title, _TASK
        yield text_of(task.html), _TEXT
