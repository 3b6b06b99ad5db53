"""How the blocks of a layer stand on its sheet: pictures under each other, tables side by side in bands, layers that only move numbers.

Comes in: the steps of a layer, and the sheet. Goes out: blocks, captions and labels on it.
"""
