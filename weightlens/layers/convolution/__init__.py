"""Convolution and pooling: layers whose windows slide over space (``keras.layers``, "Convolution layers", "Pooling layers")."""
