"""What a function is: declared parts, shared fields, errors, texts, registry, settings. It knows no model, no
surface.
"""
