"""One module a kind of sheet: what stands on it and how it looks.

Comes in: a plan. Goes out: cells, notes and charts of a ``Book``.
"""
