"""HDF5 files opened with caution: checked byte by byte first, links never followed, numbers read on access.

Comes in: a path. Goes out: groups, attributes and arrays.
"""
