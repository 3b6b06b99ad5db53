"""Fuzzers: random damage to files that are right, structure by structure; a short run is in the tests, long ones are run by hand."""
