"""`kogpt evaluate`: a checkpoint on rows that it was never trained on, beside a baseline.

A file named like a function measures that function; `adapters` measures any other that has training examples.
"""
