"""Architectures: new tokens in, logits out. Adapters, int8 and the compiled kernels belong to them."""
