"""The gallery: sixty layers as workbooks, and what a reader could stumble over in them, counted.

``python -m tests.gallery FOLDER`` writes the models (once) and the workbooks, and prints the counts.
"""
