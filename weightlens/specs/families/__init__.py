"""The table of layer classes, a file for each category of Keras's documentation: data only, read when a class of it is looked for."""
