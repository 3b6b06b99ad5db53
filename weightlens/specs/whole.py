"""Kinds of number without fractions."""

from __future__ import annotations


def is_whole(kind: object) -> bool:
    """Whether a kind of number has no fractions."""
    return str(kind).startswith(("int", "uint"))
