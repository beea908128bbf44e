"""Probes: each runs code on the engine and says what it found about some promises.

A probe is a function without arguments that returns findings by promise id. It makes
helper containers, networks and volumes that carry `containers.LABELS`, and removes them.
`sandbox/examination.py` runs all of them and turns engine errors into "not known".
"""
