"""A calculation made by hand, held against the forward pass, and the mistake in it named.

Comes in: typed numbers, tables, workbooks. Goes out: a report.
"""
