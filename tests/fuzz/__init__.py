"""Damaged and hostile files made by rule, given to the commands: whatever the bytes, an answer or one clear line.

``python -m tests.fuzz`` runs every class of them; ``python -m tests.fuzz hdf5 archives --count 10000 --start 500`` some.
Case number ``n`` of a class is always the same file and the same command.
"""
