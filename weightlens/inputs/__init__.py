"""What a user gives a network: typed, from a table, from pictures, or nothing; and what the network asks for.

Comes in: texts and files. Goes out: arrays by input name, in the order and dtype that the model wants.
May import ``tables``, the model and the engine (to try a default input); knows nothing of sheets.
"""
