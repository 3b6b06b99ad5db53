"""Steps and layers in words: a line of mathematics, worked numbers, captions, sentences for beginners.

Comes in: recorded steps, layers. Goes out: text for the terminal, sheets and pages.
It never reads text that it wrote.
"""
