"""What a file is, by its first bytes, and the files inside a zip or a folder; what to say of a file that holds no model.

Comes in: a path. Goes out: a kind, bytes, names.
"""
