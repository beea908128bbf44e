"""Courses of other formats, read into this one: Katacoda and Killercoda scenarios, Play with Docker
posts. `docs/importing.md` says what is carried over.

A source is a stranger's: it is read through `source` only, bounded and without following links,
and whatever is missing or damaged becomes a line of the report instead of an exception.
"""
