"""Workbooks as they come back: read, looked up by the map of cells, and recalculated by a real spreadsheet program.

Comes in: an ``.xlsx`` file. Goes out: values of cells, addresses of blocks.
"""
