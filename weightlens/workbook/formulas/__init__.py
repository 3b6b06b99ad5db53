"""From recorded NumPy calls to spreadsheet formulas: the one table, and the rules for products and reductions.

Comes in: recorded values with cells. Goes out: formula text. May import ``recording`` and ``words``; writes no files.
"""
