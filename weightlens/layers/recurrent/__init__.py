"""Recurrent layers, their cells, and the layers that run a layer over time (``keras.layers``, "Recurrent layers")."""
