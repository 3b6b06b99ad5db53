"""``weightlens browse``: a model at the terminal, its layers at the left, the matrix that is picked as heat map and numbers at the right.

``listing`` says what can be picked, ``plane`` which numbers are shown of it, ``drawing`` how they look; only ``browser`` and
``matrix_view`` know the terminal, with Textual, which is imported by nothing else.
"""
