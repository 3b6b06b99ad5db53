"""What helps in an exercise: words for the usual mistakes, hints, a printed version.

Comes in: the steps that ``sheets/exercise.py`` left blank. Goes out: further sheets of the same book, or a PDF.
"""
