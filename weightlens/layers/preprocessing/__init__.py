"""Preprocessing layers: categories, words, pictures and sound made into numbers (``keras.layers``, "Preprocessing layers")."""
