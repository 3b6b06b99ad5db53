"""Tests of ``weightlens.specs``."""
