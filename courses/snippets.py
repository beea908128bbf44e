"""The place of a text that holds most of what was searched for, cut into pieces to show."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

LENGTH = 200
_TOKEN = re.compile(r"\w+")


@dataclass(frozen=True)
class Piece:
    """Plain text; `hit` says that it is a word that was searched for."""

    text: str
    hit: bool = False


@dataclass(frozen=True)
class Text:
    """A text on one line, with where its words stand and how they are compared."""

    flat: str
    words: tuple[tuple[int, int, str], ...]

    @classmethod
    def of(cls, text: str, words_of: Callable[[str], list[str]]) -> Text:
        """Prepare a text once, so that a search only looks words up."""
        flat = " ".join(text.split())
        words = ((token.span(), words_of(token[0])) for token in _TOKEN.finditer(flat))
        return cls(flat, tuple((*span, found[0]) for span, found in words if found))

    def snippet(self, matched: Collection[str]) -> tuple[Piece, ...]:
        """About 200 characters around the words in `matched`."""
        flat = self.flat
        found = [entry for entry in self.words if entry[2] in matched]
        hits = [(begin, end) for begin, end, _ in found]
        start = _best(found) if found else 0
        if start:
            start = flat.rfind(" ", 0, max(0, start - LENGTH // 5)) + 1
        end = min(len(flat), start + LENGTH)
        if end < len(flat):
            end = max(flat.rfind(" ", start, end), start + 1)
        pieces, done = [Piece("… " if start else "")], start
        for begin, stop in hits:
            if start <= begin and stop <= end:
                pieces += [Piece(flat[done:begin]), Piece(flat[begin:stop], hit=True)]
                done = stop
        pieces += [Piece(flat[done:end]), Piece(" …" if end < len(flat) else "")]
        return tuple(piece for piece in pieces if piece.text)


def _best(found: list[tuple[int, int, str]]) -> int:
    """Where the stretch begins that holds most different words, then most words at all."""
    best, most, last = found[0][0], (0, 0), 0
    for first, (begin, _, _) in enumerate(found):
        last = max(last, first)
        # A little is shown in front of the first word, so not all of LENGTH is behind it.
        while last < len(found) and found[last][1] <= begin + LENGTH * 4 // 5:
            last += 1
        held = found[first:last]
        worth = (len({word for _, _, word in held}), len(held))
        if worth > most:
            best, most = begin, worth
    return best
