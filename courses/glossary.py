"""A course's words and what they mean, and finding them in its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.safestring import SafeString
from django.utils.text import slugify

from courses import addresses
from courses import folder as limits
from courses.folder import CourseFolder
from courses.markdown import Marked, plain_text, render_inline
from courses.problems import ContentError, ContentProblem
from courses.schema import CourseMeta, GlossaryMeta
from courses.yaml_reader import read_yaml

GLOSSARY_FILE = "glossary.yaml"
_WORD = re.compile(r"\w+")
_GAP = re.compile(r"[\s-]{1,2}")


@dataclass(frozen=True)
class Term:
    """A word of the course; `name` is its address on the page, `lesson` a folder or None."""

    name: str
    text: str
    also: tuple[str, ...]
    meaning_html: SafeString
    meaning: str
    lesson: str | None

    @property
    def forms(self) -> tuple[str, ...]:
        return (self.text, *self.also)


def read_glossary(folder: CourseFolder, meta: CourseMeta, path: str) -> tuple[Term, ...]:
    """The terms in the file `path`, none without it; raises ContentError with every problem."""
    if not folder.has_file(path):
        return ()
    text = folder.read_text(path, limits.MAX_META_BYTES)
    entries = read_yaml(text, GlossaryMeta, path).terms
    terms: dict[str, Term] = {}
    taken: set[str] = set()
    problems = []
    for number, entry in enumerate(entries, start=1):
        name = slugify(entry.term, allow_unicode=True)[:60] or str(number)
        forms = {form.casefold() for form in (entry.term, *entry.also)}
        if name in terms or forms & taken:
            message = f"“{entry.term}” is explained twice"
            problems.append(ContentProblem(path, None, message, "keep one of them"))
        if entry.lesson is not None and entry.lesson not in meta.lessons:
            message = f"“{entry.term}” names the unknown lesson “{entry.lesson}”"
            problems.append(ContentProblem(path, None, message, "write its folder's name"))
        taken |= forms
        meaning = render_inline(entry.meaning)
        plain = plain_text(entry.meaning)
        terms[name] = Term(name, entry.term, entry.also, meaning, plain, entry.lesson)
    if problems:
        raise ContentError(problems)
    return tuple(terms.values())


@dataclass
class TermMarker:
    """Marks the first place of each term in one lesson; `seen` are the terms it has."""

    course: str
    terms: Sequence[Term]
    seen: dict[str, Term] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # By first word, the longest form first: one look-up a word, however many terms.
        self._forms: dict[str, list[tuple[tuple[str, ...], Term]]] = {}
        for term in self.terms:
            for form in term.forms:
                words = tuple(match[0].casefold() for match in _WORD.finditer(form))
                if words:
                    self._forms.setdefault(words[0], []).append((words, term))
        for forms in self._forms.values():
            forms.sort(key=lambda entry: -len(entry[0]))

    def __call__(self, text: str) -> list[Marked]:
        """The text in pieces, those marked that name a term for the first time."""
        if not self._forms:
            return [Marked(text)]
        return [piece for piece in self._pieces(text) if piece.text]

    def _pieces(self, text: str) -> Iterator[Marked]:
        words = list(_WORD.finditer(text))
        done = index = 0
        while index < len(words):
            found = self._at(text, words, index)
            if found is None:
                index += 1
                continue
            length, term = found
            start, end = words[index].start(), words[index + length - 1].end()
            index += length
            if term.name in self.seen:
                continue
            self.seen[term.name] = term
            yield Marked(text[done:start])
            target = f"{addresses.glossary(self.course)}#{term.name}"
            yield Marked(text[start:end], term.name, target)
            done = end
        yield Marked(text[done:])

    def _at(self, text: str, words: list[re.Match[str]], index: int) -> tuple[int, Term] | None:
        """The longest form that begins with that word: how many words, and whose."""
        for form, term in self._forms.get(words[index][0].casefold(), ()):
            found = words[index : index + len(form)]
            same = tuple(word[0].casefold() for word in found) == form
            gaps = zip(found, found[1:], strict=False)
            if same and all(_GAP.fullmatch(text[a.end() : b.start()]) for a, b in gaps):
                return len(form), term
        return None


def in_order(terms: Sequence[Term]) -> list[Term]:
    """The terms as a reader looks them up."""
    return sorted(terms, key=lambda term: term.text.casefold())
