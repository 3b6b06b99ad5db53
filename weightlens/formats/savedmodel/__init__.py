"""TensorFlow's SavedModel, as Keras 2 writes it: read without TensorFlow, and without running any of its functions."""
