"""The version of weightlens; the package is built with it."""

__version__ = "0.1.0"
