"""What is known of each layer class without running it: one ``LayerSpec`` a class, as plain data, and its rules.

``layer`` says what a spec holds and how to add one; ``families`` holds them, in the categories of Keras's documentation; ``registry``
finds the one of a class; ``activation`` has a spec for each activation function. ``kinds`` is what a value may be, ``shapes`` shapes
that take more than a row of sizes, ``options`` checks a configuration against its spec, ``weights`` the stored arrays.
Nothing here imports another part of weightlens.
"""
