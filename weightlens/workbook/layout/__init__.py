"""Which cells every value gets: arrangement, labels, the plan of a workbook and its size.

Comes in: a trace and what the user wants. Goes out: a plan.
"""
