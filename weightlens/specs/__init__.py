"""What is known of each layer class without running it: its options, its variables and their shapes, as plain data and its rules.

``table`` is the data, ``kinds`` what a value may be, ``shapes`` the shapes that no row of sizes describes, ``options`` holds a
configuration against the table, ``weights`` the stored arrays. Nothing here imports another part of weightlens.
"""
