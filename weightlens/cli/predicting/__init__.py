"""Predictions for many rows: ``rows`` computes and writes them, ``parts`` does so for many files, each a part."""
