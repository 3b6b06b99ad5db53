"""The file: rows, styles, charts and parts of an ``.xlsx`` package.

Comes in: sheets of cells. Goes out: bytes. Knows nothing of networks.
"""
