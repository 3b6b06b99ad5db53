"""From recorded NumPy calls to spreadsheet formulas: the one table, and the rules for products and reductions.

Comes in: recorded values with cells. Goes out: formula text. Writes no files.
"""
