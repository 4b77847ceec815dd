"""Training and evaluation of the checkpoints in weights/. It knows functions through the registry alone."""
