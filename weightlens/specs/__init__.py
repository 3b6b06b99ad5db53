"""What is known of each layer class without running it: one ``LayerSpec`` a class, as plain data, and its rules.

``layer`` says what a spec holds and how to add one; ``core``, ``convolutional``... hold them, as Keras's documentation sorts them;
``table`` finds the one of a class. ``kinds`` is what a value may be, ``shapes`` the shapes that no row of sizes describes, ``options``
holds a configuration against its spec, ``weights`` the stored arrays. Nothing here imports another part of weightlens.
"""
